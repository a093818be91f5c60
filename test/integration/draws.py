"""Which matrices GUM picked in a recorded step, against Philox at the addresses that docs/ops.md states (random_stream, gum).
Usage: draws.py RECORD SEED"""
import sys

import numpy as np
from tensor_files import read

M = 0xFFFFFFFF


def philox(counter, key):
    for i in range(10):
        p, q = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        keys = (key[0] + i * 0x9E3779B9) & M, (key[1] + i * 0xBB67AE85) & M
        counter = [(q >> 32) ^ counter[1] ^ keys[0], q & M, (p >> 32) ^ counter[3] ^ keys[1], p & M]
    return counter


def site(name):
    number = 0xCBF29CE484222325
    for byte in name.encode():
        number = ((number ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return (number ^ number >> 32) & M


record, seed = read(f"{sys.argv[1]}/train.update.after.safetensors"), int(sys.argv[2])
found, expected = {}, {}
for key in record:
    if not key.startswith("state ") or not key.endswith(".basis"):
        continue
    name = key[len("state "):-len(".basis")]
    for number, (p, m) in enumerate(zip(record[key], record[f"state {name}.momentum"]), 1):
        # Of a matrix that was picked, the momentum is what its basis leaves out.
        low = m @ p @ p.T if m.shape[0] > m.shape[1] else p @ p.T @ m
        found[name, number] = bool(np.linalg.norm(low) < 0.5 * np.linalg.norm(m))
        words = philox([0, number, site("update." + name), 0], [seed & M, seed >> 32])
        expected[name, number] = (words[1] >> 8) / 2**24 < 0.5
print(seed, "".join("01"[picked] for picked in found.values()))
assert found == expected and len(found) == 12 and 0 < sum(found.values()) < 12
