"""changed.py A B: which parameters of two files of weights differ in any bit."""
import json
import struct
import sys


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__")
    return {name: data[slice(*info["data_offsets"])] for name, info in header.items()}


left, right = read(sys.argv[1]), read(sys.argv[2])
both = sorted(left.keys() & right.keys())
print("changed:", *[name for name in both if left[name] != right[name]])
print("same bits:", *[name for name in both if left[name] == right[name]])
