"""masters.py same|close|nearest|table|mean A B [NUMBER]: compares model files whose parameters are f32 or bf16; `table` of rows
that no byte names, `mean` with what their mean should be."""
import json
import struct
import sys

import numpy


def read(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, info in header.items():
        begin, end = info["data_offsets"]
        if info["dtype"] == "BF16":
            bits = numpy.frombuffer(data[begin:end], numpy.uint16).astype(numpy.uint32) << 16
            tensors[name] = bits.view(numpy.float32)
        else:
            tensors[name] = numpy.frombuffer(data[begin:end], numpy.float32)
    return tensors, {name: info["dtype"] for name, info in header.items()}


def nearest(values):
    bits = values.view(numpy.uint32).astype(numpy.uint64)
    return (((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16).astype(numpy.uint32)).view(numpy.float32)


mode, (left, _), (right, types) = sys.argv[1], read(sys.argv[2]), read(sys.argv[3])
assert left.keys() == right.keys()
if mode in ("table", "mean"):
    first, second = (tensors["embed"].reshape(-1, 64)[257:] for tensors in (left, right))
    if mode == "table":
        sys.exit(int((first != second).any()))
    steps, mean = 2.0 ** -8, float(sys.argv[4])
    assert set(numpy.unique(first)) == {numpy.float32(1 - steps), numpy.float32(1)}
    share = (1 - mean) / steps  # that is rounded down
    deviation = steps * (share * (1 - share) / first.size) ** 0.5
    assert first.size > 1e6 and abs(first.astype(numpy.float64).mean() - mean) < 4 * deviation, first.mean()
    sys.exit()
for name in left:
    if mode == "same":
        assert (left[name] == right[name]).all(), name
    elif mode == "nearest":
        expected = nearest(left[name]) if types[name] == "BF16" else left[name]
        assert (expected == right[name]).all(), name
    elif types[name] == "BF16":
        distance = numpy.linalg.norm(left[name] - right[name]) / numpy.linalg.norm(left[name])
        assert distance <= float(sys.argv[4]), (name, distance)
assert mode != "nearest" or "BF16" in types.values()
