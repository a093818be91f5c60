#!/usr/bin/env python3
"""Kernels of a training step on a GPU against the rates that NVIDIA's and PyTorch's own kernels reach on it: a table in markdown.

gpu_report.py RESULTS PLANS ROW MODEL…: reads RESULTS/MODEL.profile.txt (`PROGRAM train --profile`), RESULTS/MODEL.jsonl (a log of
a run without it), RESULTS/MODEL.peers.json (gpu_peers.py) and PLANS/MODEL.ROW.json (`nanochat-opt --plan=json`). What is missing is
said to be. A kernel's bound: a copy of as many bytes, cuBLAS's product of the same sizes, PyTorch's attention; its fraction is the
time that takes of the time it took. Times of kernels are each launch's own, those of steps are of recorded graphs."""
import json
import re
import statistics
import sys
from pathlib import Path

GOALS = {"rowwise": 0.85, "pointwise": 0.85, "gemm": 0.55, "attention": 0.50}
LEAST_SHARE = 1  # in percent
# As in kernels.py: share, ms, calls, Gop/s, GB/s, arithmetic, name: what it computes.
ROW = re.compile(r"\s*([\d.]+)%\s+([\d.]+)\s+(\d+)\s+[\d.]+\s+[\d.]+\s+(\w+)\s+(\S+): (.*)")


class Kernel:
    """A line of a profile and what the plan knows of that kernel."""

    def __init__(self, match, floors):
        self.share, self.arithmetic, self.name = float(match[1]), match[4], match[5]
        self.seconds = float(match[2]) / 1e3 / int(match[3])  # a call
        self.what = ", ".join(dict.fromkeys(re.findall(r"nanochat\.(\w+)", match[6]))) or match[6]
        self.kind = self.name.split("_")[0]
        floor = [floor for floor in floors if floor["kernel"] == self.name and floor["entry"].startswith("train.")]
        self.calls = sum(f["calls"] for f in floor)  # a step
        self.bytes, self.operations = (floor[0]["bytes"], floor[0]["operations"]) if floor else (0, 0)

    def is_product(self):
        return self.kind in ("gemm", "attention")


def read_kernels(profile, plan):
    """Those kernels that take a hundredth of the time or more."""
    rows = (Kernel(match, plan["dispatches"]) for match in map(ROW.match, open(profile)) if match)
    return [kernel for kernel in rows if kernel.share >= LEAST_SHARE]


def bound(kernel, peers):
    """The seconds a call takes at best and what says so, or none and why."""
    if kernel.kind not in GOALS or not kernel.calls:
        return None, "none"
    if kernel.is_product():
        peer = peers["kernels"].get(kernel.name, {})
        return peer.get("seconds"), peer.get("of") or f"not measured: {peer.get('reason', 'no peer')}"
    return (kernel.bytes / peers["copy"], "copy") if peers["copy"] else (None, f"not measured: {peers['reason']}")


def rate(kernel, seconds):
    if kernel.is_product():
        return f"{kernel.operations / seconds / 1e12:,.1f} Top/s"
    return f"{kernel.bytes / seconds / 1e9:,.0f} GB/s"


def table_row(model, kernel, peers):
    least, of = bound(kernel, peers)
    cells = [model, f"{kernel.name}: {kernel.what[:60]}", f"{kernel.share:.1f} %", f"{1e3 * kernel.seconds * kernel.calls:.2f}",
             f"{1e6 * kernel.seconds:.1f}", rate(kernel, kernel.seconds), f"{rate(kernel, least)} ({of})" if least else of]
    if not least:
        return cells + ["", "", ""]
    fraction, goal = least / kernel.seconds, GOALS[kernel.kind]
    return cells + [f"{100 * fraction:.0f} %", f"{100 * goal:.0f} %", "met" if fraction >= goal else "not met"]


def speed(log, plan):
    """Tokens per second of the median step, once a graph is replayed."""
    steps = [json.loads(line) for line in open(log)]
    tokens = statistics.median([step["tok_s"] for step in steps if "tok_s" in step][2:])
    ms = 1e3 * plan["sizes"]["batch"] * plan["sizes"]["seq"] * plan["sizes"].get("accum", 1) / tokens
    return ms, f"{tokens:,.0f} tokens/s, {ms:.1f} ms a step, {tokens * plan['flops_per_token'] / 1e12:,.1f} Tflop/s of the model's"


def report(model, results, plans, row):
    """Rows of the table and a line on whole steps."""
    plan = json.loads((plans / f"{model}.{row}.json").read_text())
    peers = {"copy": None, "reason": "gpu_peers.py did not end", "kernels": {}}
    if (path := results / f"{model}.peers.json").is_file() and path.stat().st_size:
        peers = json.loads(path.read_text())
    kernels = read_kernels(results / f"{model}.profile.txt", plan)
    rows = [table_row(model, kernel, peers) for kernel in kernels]
    met = [row[-1] for row in rows if row[-1]]
    ms = sum(1e3 * k.seconds * k.calls for k in kernels)
    line = f"{model} ({row}): {met.count('met')} of {len(met)} goals met; kernels of the table take {ms:.1f} ms a step"
    try:
        line += "; " + speed(results / f"{model}.jsonl", plan)[1]
    except (OSError, ValueError) as problem:
        line += f"; tokens/s not measured: {problem}"
    return rows, line


def main():
    results, plans, row, *models = sys.argv[1:]
    table, lines = [], []
    for model in models:
        try:
            rows, line = report(model, Path(results), Path(plans), row)
        except (OSError, ValueError, KeyError) as problem:
            rows, line = [], f"{model}: not measured: {problem!r}"
        table, lines = table + rows, lines + [line]
    head = ["model", "kernel", "share", "ms a step", "µs a call", "achieved", "bound", "of it", "goal", ""]
    for cells in [head, ["---"] * len(head)] + table:
        print("| " + " | ".join(cells) + " |")
    print()
    for line in lines:
        print("- " + line)


if __name__ == "__main__":
    main()
