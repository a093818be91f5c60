#!/usr/bin/env python3
"""Whether two builds of the compiler make programs of the same bits: for changes that are to change nothing.

same_bits.py OLD NEW [FILTER]: OLD and NEW are build folders; FILTER is part of the names of cases. Every case compiles a model with
both compilers and trains five steps: losses, gradients (as the parameters they lead to) and states must be the same bits. For NVIDIA
rows the texts of PTX must be, too. Prints a line per case; exit code 1 if any differs.
"""
import hashlib
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
COPY, INPUTS = ROOT / "models/copy-tiny.mlir", ROOT / "test/Inputs"
DENSE, LOOPED, SHARED = (INPUTS / f"{name}.mlir" for name in ("dense", "looped", "shared-kv"))
CPU_ROWS = ["reference", "x86-64-v3", "avx-vnni", "x86-64-v4", "avx512-vnni", "avx512-bf16"]
RULES = ["sgd", "adamw", "adamw8", "lion", "muon", "muon8", "galore:rank=8:clip=projected",
         "galore:rank=8:clip=projected:base=muon", "foam", "soap", "gum:rank=8"]
TINY = ["--set", "batch=2,seq=33,n_loops=2"]


def cases():
    """Pairs of a model and options."""
    for row in CPU_ROWS:
        for model in (COPY, DENSE, LOOPED, SHARED):
            yield model, [f"--target={row}", *(TINY if model == COPY else [])]
        yield COPY, [f"--target={row}", *TINY, "--backward=f32"]
        if row != "reference":
            yield DENSE, [f"--target={row}", "--dense=bf16"]
            yield DENSE, [f"--target={row}", "--set", "accum=2"]
    for rule in RULES:
        yield COPY, ["--target=x86-64-v3", *TINY, f"--optimizer=matrix={rule}"]
    for row in ("sm_89", "sm_90", "sm_100", "sm_120"):
        yield COPY, [f"--target={row}", "--emulate", *TINY]
    yield DENSE, ["--target=sm_90", "--emulate"]


def digest_tensors(path):
    """Of the tensors of a safetensors file; its metadata may name compilers."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    digest = hashlib.sha256()
    for name in sorted(header):
        digest.update(name.encode() + data[slice(*header[name]["data_offsets"])])
    return digest.hexdigest()


def run(*command):
    """Its output, or None and why not on stderr."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode == 0:
        return done.stdout
    said = (done.stderr or done.stdout).strip().splitlines() or [f"{command[0]}: exit code {done.returncode}"]
    print(said[0], file=sys.stderr)
    return None


def ptx(build, model, options, folder):
    """The text of its kernels; names of them, and what comments say, are nobody's matter."""
    text = run(Path(build) / "bin/nanochat-opt", model, *[o for o in options if o != "--emulate"], "--emit=ptx")
    return text and re.sub(r"//.*", "", text)


def train(build, model, options, folder):
    """Losses and all that five steps leave."""
    program, weights, log = folder / "program", folder / "weights", folder / "log"
    for old in (weights, log):
        old.unlink(missing_ok=True)
    data = ["--copy-task"] if model == COPY else ["--data", ROOT / "LICENSE"]
    if run(Path(build) / "bin/nanochat-opt", model, *options, "--emit=exe", "-o", program) is None:
        return None
    if run(program, "train", *data, "--steps", 5, "--eval-every", 0, "--seed", 1, "--log", log, "--save", weights) is None:
        return None
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    return [row.get("loss") for row in rows], [row.get("grad_norm") for row in rows], digest_tensors(weights)


def compare(old, new, name, measure, model, options):
    with tempfile.TemporaryDirectory() as folder:
        results = [measure(build, model, options, Path(folder)) for build in (old, new)]
    isSame = results[0] is not None and results[0] == results[1]
    isLacking = results == [None, None]
    print("same" if isSame else "neither" if isLacking else "DIFFERENT", name, flush=True)
    return isSame or isLacking


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    old, new, wanted = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""
    good = True
    for model, options in cases():
        for measure in (train, ptx) if "--emulate" in options else (train,):
            name = " ".join([measure.__name__, model.stem, *options])
            if wanted in name:
                good &= compare(old, new, name, measure, model, options)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
