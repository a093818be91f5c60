"""compare_safetensors.py A B TOLERANCE [NAMES...]: relative L2 distance of every float tensor, or of those named."""
import array
import math
import sys

from stored_tensors import stored


def read(path):
    return {name: array.array({"F32": "f", "F64": "d"}[dtype], data) for name, (dtype, _, data) in stored(path).items()}


left, right, tolerance = read(sys.argv[1]), read(sys.argv[2]), float(sys.argv[3])
names = sys.argv[4:] or sorted(left)
if left.keys() != right.keys() or not left:
    sys.exit(f"different tensors: {sorted(left)} and {sorted(right)}")
failed = False
for name in names:
    distance = math.sqrt(sum((x - y) ** 2 for x, y in zip(left[name], right[name])))
    norm = math.sqrt(sum(y * y for y in right[name]))
    if not distance <= tolerance * norm:
        print(f"{name}: relative L2 distance {distance / norm if norm else distance}")
        failed = True
sys.exit(failed)
