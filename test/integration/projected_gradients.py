"""Gradients that were projected term by term against whole gradients of the same step: R = PᵀG or G·P.
Usage: projected_gradients.py PROJECTED WHOLE [EXACT]: records of --dump-dispatches; EXACT: bases are also near the best"""
import json
import struct
import sys

import numpy as np


def read(folder):
    with open(f"{folder}/train.gradients.after.safetensors", "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    return {name: np.frombuffer(data[slice(*info["data_offsets"])], np.float32).reshape(info["shape"]).astype(float)
            for name, info in header.items() if name != "__metadata__" and info["dtype"] == "F32"}


projected, whole = read(sys.argv[1]), read(sys.argv[2])
worst = energy = 0
names = [name[len("state "):-len(".basis")] for name in projected if name.endswith(".basis")]
for name in names:
    for r, p, g in zip(projected["gradient " + name], projected[f"state {name}.basis"], whole["gradient " + name]):
        tall = g.shape[0] > g.shape[1]
        expected = g @ p if tall else p.T @ g
        worst = max(worst, np.linalg.norm(r - expected) / np.linalg.norm(expected))
        worst = max(worst, np.abs(p.T @ p - np.eye(p.shape[1])).max())
        singular = np.linalg.svd(g, compute_uv=False)
        best = np.linalg.norm(singular[p.shape[1]:])
        rest = np.linalg.norm(g - (expected @ p.T if tall else p @ expected))
        energy = max(energy, rest / best)
print(f"{len(names)} parameters, worst error {worst:.1e}, residual at most {energy:.3f} of the best")
sys.exit(bool(worst > 2e-5 or (len(sys.argv) > 3 and energy > 1.05)))
