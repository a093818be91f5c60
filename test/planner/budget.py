"""budget.py COMPILER MODEL SAID: what --budget chooses fits, is given back by its options, and is faster the more memory there is."""
import json
import subprocess
import sys

compiler, model, said = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
sizes = ["--target=sm_90", "--set", "layers=2,n_loops=2"]


def plan(*options):
    run = subprocess.run([compiler, model, "--plan=json", *options], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


sequences = said["sizes"]["batch"] * said["sizes"]["accum"]
before = None
for budget in (600, 680, 900):
    # The preset's 8 sequences are what a step has; they are of the model, not given by hand.
    found = plan(*sizes, f"--budget={budget}MB")
    assert found["total_bytes"] <= budget * 1e6, (budget, found["total_bytes"])
    options = found["choice"]["options"].split()
    joined, size = [], ""
    for option in options:  # sizes are one more --set
        joined.append(option)
    again = plan(*sizes, *joined)
    assert again["arena_bytes"] == found["arena_bytes"] and again["total_bytes"] == found["total_bytes"]
    assert again["choice"]["options"] in found["choice"]["options"]
    assert found["sizes"]["batch"] * found["sizes"]["accum"] == 8, found["sizes"]
    seconds = found["time"]["seconds_per_step"]
    assert before is None or seconds <= before, (budget, seconds, before)
    before = seconds
assert plan(*sizes, "--budget=900MB")["choice"] == found["choice"]  # the same again
# What is given by hand stays.
given = plan(*sizes, "--budget=900MB", "--recompute=layers=body", "--codes=use", "--set", "batch=2,accum=4")
assert given["sizes"]["batch"] == 2 and "layers=body" in given["choice"]["options"], given["choice"]
assert "--codes=use" in given["choice"]["options"]

# Where nothing fits: the way out is true when it is taken.
run = subprocess.run([compiler, model, "--plan=json", "--target=sm_90", "--preset=a", "--budget=12GB"], capture_output=True, text=True)
assert run.returncode == 2, run.stderr
ways = json.loads(run.stdout)["ways_out"]
assert len(ways) == 3, ways
for way in ways:
    taken = plan("--target=sm_90", "--preset=a", *way["options"].split())
    assert taken["total_bytes"] == way["total_bytes"], (way, taken["total_bytes"])
    assert abs(taken["time"]["seconds_per_step"] - way["seconds"]) <= 1e-9 * way["seconds"], way
    assert way["total_bytes"] <= 12e9 or "--budget" in way["options"], way
    assert f"with {way['options']} it takes" in run.stderr, run.stderr
