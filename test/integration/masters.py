"""masters.py same|close|nearest|table|mean A B [NUMBER]: compares model files whose parameters are f32 or bf16; `table` of rows
that no byte names, `mean` with what their mean should be."""
import sys

import numpy
from stored_tensors import stored
from tensor_files import read


def nearest(values):
    bits = values.view(numpy.uint32).astype(numpy.uint64)
    return (((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16).astype(numpy.uint32)).view(numpy.float32)


mode, left, right = sys.argv[1], read(sys.argv[2]), read(sys.argv[3])
types = {name: dtype for name, (dtype, _, _) in stored(sys.argv[3]).items()}
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
