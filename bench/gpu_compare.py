#!/usr/bin/env python3
"""Is what a GPU computes what it should be? Needs nothing but Python; bench/gpu.sh calls it.

dispatches FOUND EXPECTED  two folders of `PROGRAM train --dump-dispatches`, call by call: a line per class of kernels. Errors of a step
                           add up and codes flip, so a call is off only where its results differ by more than the limit of its class
                           and by more than 30 times what its operands differ by.
gradients EXPECTED FOUND…  files of `PROGRAM grad`: a line per found one, loss, error of all gradients as one vector, and the worst.
losses FOUND EXPECTED      two logs of `PROGRAM train`: some steps side by side, and the largest difference.
batch FILE                 writes a batch for `PROGRAM grad`; reads what `PROGRAM info --json` prints."""
import argparse
import array
import collections
import json
import math
import random
import struct
import sys
from pathlib import Path

CODES = {"F32": "f", "F64": "d", "I64": "q", "I32": "i", "I16": "h", "I8": "b"}
LIMITS = collections.defaultdict(lambda: 1e-3, attention=4e-3)
AMPLIFICATION = 30  # of operands' errors by sums that cancel, optimizers' first steps, codes that flip


def read(path):
    """Tensors of a safetensors file, (type, bytes) by name, and its metadata."""
    raw = path.read_bytes()
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:start])
    metadata = header.pop("__metadata__", {})
    return {name: (info["dtype"], raw[slice(*(start + at for at in info["data_offsets"]))]) for name, info in header.items()}, metadata


def numbers(tensor):
    kind, raw = tensor
    if kind != "BF16":
        return array.array(CODES[kind], raw)
    wide = bytearray(2 * len(raw))  # the upper halves of floats
    wide[2::4], wide[3::4] = raw[::2], raw[1::2]
    return array.array("f", bytes(wide))


def distance(found, expected):
    """Relative L2 error of a tensor; integers are vectors as well, so that a flipped code is a small error."""
    if found == expected:
        return 0.0
    if found[0] != expected[0] or len(found[1]) != len(expected[1]):
        return math.inf
    x, y = numbers(found), numbers(expected)
    norm, error = math.hypot(*y), math.dist(x, y)
    return error / norm if norm and math.isfinite(error) else math.inf


def flipped(found, expected):
    if not expected[0].startswith("I"):
        return 0, 0
    x, y = numbers(found), numbers(expected)
    return (sum(a != b for a, b in zip(x, y)) if x != y else 0), len(y)


class Class:
    def __init__(self):
        self.calls = self.off = self.flips = self.integers = 0
        self.worst, self.where, self.first = 0.0, "", ""

    def add(self, name, kind, found, expected, source):
        errors = {tensor: distance(found.get(tensor, ("", b"")), expected[tensor]) for tensor in expected}
        before, after = (max((e for tensor, e in errors.items() if tensor.startswith(of)), default=0.0) for of in ("in", "out"))
        self.calls += 1
        for tensor in expected:
            if tensor.startswith("out") and tensor in found:
                flips, integers = flipped(found[tensor], expected[tensor])
                self.flips, self.integers = self.flips + flips, self.integers + integers
        if after > self.worst:
            self.worst, self.where = after, name
        if after > max(LIMITS[kind], AMPLIFICATION * before):
            self.off += 1
            self.first = self.first or f"call {name} ({source}): operands differ by {before:.1e}, results by {after:.1e}"

    def line(self, kind):
        integers = f", {self.flips} of {self.integers} integers differ" if self.integers else ""
        worst = f", worst {self.worst:.1e} ({self.where})" if self.worst else ""
        return f"{kind:9} {self.calls} calls, {self.off} off{worst}{integers}" + (f"; first {self.first}" if self.first else "")


def dispatches(found, expected):
    classes = collections.defaultdict(Class)
    names = {path.name for path in found.glob("[0-9]*")}
    wanted = sorted(path.name for path in expected.glob("[0-9]*"))
    if names != set(wanted) or not wanted:
        sys.exit(f"{len(names)} recorded calls, expected the {len(wanted)} of the emulator; {len(names & set(wanted))} have the same name")
    for name in wanted:
        number, kernel, _ = name.split(".")
        theirs, metadata = read(expected / name)
        kind = kernel.split("_")[0]
        classes[kind].add(f"{number} {kernel}", kind, read(found / name)[0], theirs, metadata.get("source", ""))
    for kind, one in sorted(classes.items()):
        print(one.line(kind))
    off = sum(one.off for one in classes.values())
    return f"{off} calls are off" if off else None


def gradients(expected, *files):
    theirs = read(expected)[0]
    for path in files:
        ours = read(path)[0]
        losses = " / ".join(f"{numbers(tensors['loss'])[0]:.6f}" for tensors in (ours, theirs))
        names = [name for name in theirs if name.startswith("grad.")]
        whole = [b"".join(tensors[name][1] for name in names) for tensors in (ours, theirs)]
        error, worst = max((distance(ours[name], theirs[name]), name[5:]) for name in names)
        print(f"{path.name} / {expected.name}: loss {losses}, gradient {distance(*(('F32', raw) for raw in whole)):.1e}, worst {error:.1e} ({worst})")


def losses(found, expected):
    ours, theirs = ([json.loads(line)["loss"] for line in open(path)] for path in (found, expected))
    if not ours or len(ours) != len(theirs):
        sys.exit(f"{len(ours)} steps, expected {len(theirs)}")
    largest, step = max((abs(x - y) if math.isfinite(x) else math.inf, i) for i, (x, y) in enumerate(zip(ours, theirs)))
    shown = sorted({0, *range(len(ours) // 4 - 1, len(ours), max(1, len(ours) // 4)), len(ours) - 1})
    print("; ".join(f"step {i + 1}: {ours[i]:.4f} / {theirs[i]:.4f}" for i in shown if i >= 0))
    print(f"largest difference {largest:.2e}, at step {step + 1} of {len(ours)}")


def batch(path):
    info = json.load(sys.stdin)
    random.seed(7)
    count = 2 * info["sizes"]["batch"] * info["sizes"]["seq"]  # tokens, then targets
    path.write_bytes(struct.pack(f"<{count}i", *(random.randrange(info["vocab"]) for _ in range(count))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = {action.__name__: action for action in (dispatches, gradients, losses, batch)}
    parser.add_argument("what", choices=actions)
    parser.add_argument("paths", nargs="+", type=Path)
    args = parser.parse_args()
    return actions[args.what](*args.paths)


sys.exit(main())
