"""recompute_options.py COMPILER MODEL FOLDER: trains the model under every combination of --recompute and --codes and compares what it learns."""
import itertools
import struct
import subprocess
import sys

from stored_tensors import stored

compiler, model, folder = sys.argv[1:]
sizes = "d=64,heads=2,layers=2,n_loops=3,vocab=256,batch=2,seq=24,accum=2"


def parameters(*options):
    program, file = f"{folder}/program", f"{folder}/parameters"
    subprocess.run([compiler, model, "--target=native", "--set", sizes, "--emit=exe", "-o", program, *options], check=True)
    subprocess.run([program, "train", "--copy-task", "--steps", "5", "--eval-every", "0", "--threads", "2", "--save", file],
                   check=True, stdout=subprocess.DEVNULL)
    return {name: data for name, (_, _, data) in stored(file).items()}, program


def floats(data):
    return struct.unpack(f"<{len(data) // 4}f", data)


expected, _ = parameters()
policies = ["nothing", "cheap", "body"]
for layers, loops, codes in itertools.product(policies, policies, ["step", "use"]):
    options = [f"--recompute=layers={layers},n_loops={loops}", f"--codes={codes}"]
    found, program = parameters(*options)
    assert found == expected, options
told = subprocess.run([program, "info"], capture_output=True, text=True, check=True).stdout
assert "--recompute=layers=body,n_loops=body --codes=use" in told, told
# A chunk changes the order of sums, and little else.
other, _ = parameters("--chunk=16")
assert other != expected
for name in expected:
    for x, y in zip(floats(expected[name]), floats(other[name])):
        assert abs(x - y) < 1e-3, (name, x, y)
