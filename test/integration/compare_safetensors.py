"""compare_safetensors.py A B TOLERANCE [NAMES...]: relative L2 distance of every float tensor, or of those named."""
import array
import json
import math
import struct
import sys


def read(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, info in header.items():
        begin, end = info["data_offsets"]
        tensors[name] = array.array({"F32": "f", "F64": "d"}[info["dtype"]], data[begin:end])
    return tensors


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
