"""update-in-backward-overflow.py PROGRAM INIT PREFIX: a step whose gradients overflow changes nothing of what it updates on the way."""
import shutil
import subprocess
import sys

import numpy
from tensor_files import read, write

program, init, prefix = sys.argv[1:]
tensors = {name: tensor.copy() for name, tensor in read(init).items()}
tensors["layers.w"][1] *= 1e30
write(f"{prefix}.big", tensors, {"model": "m"})
shutil.rmtree(f"{prefix}.big.d", ignore_errors=True)
run = subprocess.run([program, "train", "--copy-task", "--steps", "1", "--init", f"{prefix}.big", "--dump-dispatches", f"{prefix}.big.d"],
                     capture_output=True, text=True)
assert run.returncode == 1 and "'grad_norm'[0]" in run.stderr, run.stderr
before, after = (read(f"{prefix}.big.d/train.gradients.{when}.safetensors") for when in ("before", "after"))
assert numpy.isfinite(after["output loss"]).all()
for name in before:
    if name.startswith(("parameter", "state")):
        assert (before[name] == after[name]).all(), name
