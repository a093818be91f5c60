"""update-in-backward.py COMPILER MODEL PREFIX: the same bits after five steps whenever parameters are updated, for all rules that can be, and the memory."""
import json
import subprocess
import sys

compiler, model, prefix = sys.argv[1:]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def trained(name, *options):
    run(compiler, model, "--emit=exe", "-o", f"{prefix}.{name}", *options)
    run(f"{prefix}.{name}", "train", "--copy-task", "--steps", "5", "--eval-every", "0", "--save", f"{prefix}.{name}.st")
    return open(f"{prefix}.{name}.st", "rb").read().split(b"}}", 1)[1]  # what tells programs apart is in the header


for options in ([], ["--optimizer=matrix=muon"], ["--optimizer=matrix=muon8"], ["--optimizer=matrix=adamw8"], ["--optimizer=matrix=soap"],
                ["--optimizer=matrix=foam:level=1"], ["--optimizer=matrix=lion", "--masters=matrix=bf16"],
                ["--optimizer=matrix=muon8", "--masters=matrix=int8", "--recompute=layers=body"], ["--target=x86-64-v3"]):
    options = options if options == ["--target=x86-64-v3"] else ["--target=native", *options]
    assert trained("after", *options) == trained("backward", *options, "--update=backward"), options

classes = [{row["class"]: row["bytes"] for row in json.loads(run(compiler, model, "--target=sm_90", "--plan=json", f"--update={when}"))["memory"]}
           for when in ("after", "backward")]
assert classes[0]["gradients"] - classes[1]["gradients"] == 3 * 64 * 64 * 4 + 3 * 64 * 4, classes
