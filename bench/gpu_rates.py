#!/usr/bin/env python3
"""The rates of a machine's kernels, by kind, as `nanochat-opt --rates=FILE` takes them.

gpu_rates.py RESULTS PLANS ROW MACHINE MODEL…: reads RESULTS/MODEL.profile.json (`PROGRAM train --profile-file`) and PLANS/MODEL.ROW.json
(`nanochat-opt --plan=json`), and prints JSON. The rate of a kind is all its work by all its time, of calls that move a megabyte or more;
a call takes what those take that move less than sixteen kilobytes. Kinds that no model has are as fast as those in f32."""
import collections
import json
import sys
from pathlib import Path

SMALL, LARGE = 1 << 14, 1 << 20  # bytes


def work_of(floor):
    return floor["operations"] if floor["class"] in ("gemm", "attention", "generic") else floor["bytes"]


def kind_of(floor):
    return f"{floor['class']} {floor['arithmetic']}" if floor["class"] in ("gemm", "attention") else floor["class"]


results, plans, row, machine, *models = sys.argv[1:]
work, seconds, best = collections.Counter(), collections.Counter(), collections.Counter()
calls = call_seconds = 0
for model in models:
    floors = {floor["kernel"]: floor for floor in json.loads(Path(plans, f"{model}.{row}.json").read_text())["dispatches"]}
    for kernel in json.loads(Path(results, f"{model}.profile.json").read_text()):
        floor = floors.get(kernel["kernel"])
        if not floor or not kernel["calls"] or kernel["seconds"] <= 0:
            continue
        if floor["bytes"] < SMALL:
            calls, call_seconds = calls + kernel["calls"], call_seconds + kernel["seconds"]
        if floor["bytes"] >= LARGE and work_of(floor):
            kind, done = kind_of(floor), kernel["calls"] * work_of(floor)
            work[kind], seconds[kind] = work[kind] + done, seconds[kind] + kernel["seconds"]
            best[kind] = max(best[kind], done / kernel["seconds"])
missing = {"gemm f32", "attention f32", "rowwise", "pointwise"} - set(work)
if missing:
    sys.exit(f"gpu_rates.py: no kernel of {', '.join(sorted(missing))} moves a megabyte in {', '.join(models) or 'no model'}")
print(json.dumps({"row": row, "machine": machine, "threads": 1, "seconds_per_call": call_seconds / calls if calls else 0,
                  "mean": {kind: work[kind] / seconds[kind] for kind in sorted(work)}, "best": dict(sorted(best.items()))}, indent=2))
