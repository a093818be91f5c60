"""Three steps of every update rule, as the compiler lists them, on the reference in f64. Usage: rules.py MODEL PREFIX"""
import json
import math
import pathlib
import re
import subprocess
import sys

model, prefix = sys.argv[1], sys.argv[2]


def compiler(*options):
    return subprocess.run(["nanochat-opt", model, "--target=reference", "--precision=f64", *options], capture_output=True, text=True)


def listed(option, pattern):
    """What the error about something that does not exist says there is."""
    return re.findall(r"[a-z]\w*", re.search(pattern, compiler("--plan", "--optimizer", option).stderr).group(1))


def losses(rule):
    program, log = f"{prefix}.exe", f"{prefix}.jsonl"
    pathlib.Path(log).unlink(missing_ok=True)
    compiled = compiler("--optimizer", f"matrix={rule}", "--emit=exe", "-o", program)
    assert compiled.returncode == 0, f"{rule}: {compiled.stderr}"
    data = ["--data", pathlib.Path(model).parent, "--ext", "mlir"]
    subprocess.run([program, "train", *data, "--steps", "3", "--eval-every", "0", "--log", log], check=True, stdout=subprocess.DEVNULL)
    return [json.loads(line)["loss"] for line in open(log)]


rules = listed("matrix=none", "rules are (.*)")
bases = [f"galore:base={base}" for base in listed("matrix=galore:base=none", 'expected (".*)') if base != "or"]
assert {"gum", "soap", "adamw8"} < set(rules) and len(bases) > 3
for rule in rules + bases:
    found = losses(rule)
    print(rule, *found)
    assert len(found) == 3 and all(map(math.isfinite, found)), rule
