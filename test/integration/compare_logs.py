"""compare_logs.py A B TOLERANCE: the numbers of two logs, line by line; speeds may differ."""
import json
import math
import sys


def read(path):
    with open(path) as file:
        lines = [json.loads(line) for line in file]
    for line in lines:
        for speed in ("tok_s", "mfu"):
            line.pop(speed, None)
    return lines


left, right, tolerance = read(sys.argv[1]), read(sys.argv[2]), float(sys.argv[3])
if not left or [line.keys() for line in left] != [line.keys() for line in right]:
    sys.exit(f"different lines: {left} and {right}")
for one, other in zip(left, right):
    for name, value in one.items():
        if not math.isclose(value, other[name], rel_tol=tolerance):
            sys.exit(f"step {one['step']}: {name} is {value} and {other[name]}")
