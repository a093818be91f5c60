"""masters.py same|close|nearest|table|mean|unbiased A B [NUMBER]: compares model files whose parameters are f32, bf16 or codes of int8;
`table` of rows that no byte names, `mean` with what their mean should be, `unbiased` of
B's rounded codes about the exact numbers of A."""
import sys

import numpy
from stored_tensors import stored
from tensor_files import read


def parameters(path):
    """Parameters as numbers: codes times the scale of their row."""
    tensors = read(path)
    scales = {name: tensors.pop(name) for name in list(tensors) if name.endswith(".scales")}
    for name, tensor in tensors.items():
        if tensor.dtype == numpy.int8:
            tensors[name] = tensor.astype(numpy.float32) * scales[name + ".scales"][..., None]
    return tensors, scales


def nearest_bf16(values):
    bits = values.view(numpy.uint32).astype(numpy.uint64)
    return (((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16).astype(numpy.uint32)).view(numpy.float32)


def nearest_int8(values):
    most = numpy.abs(values).max(axis=-1, keepdims=True)
    inverse = numpy.divide(numpy.float32(127), most, out=numpy.zeros_like(most), where=most > 0)
    return numpy.rint(values * inverse) * (most * numpy.float32(1 / 127))


def mean_of(table, mean):
    steps = 2.0 ** -8
    assert set(numpy.unique(table)) == {numpy.float32(1 - steps), numpy.float32(1)}
    share = (1 - mean) / steps  # that is rounded down
    deviation = steps * (share * (1 - share) / table.size) ** 0.5
    assert table.size > 1e6 and abs(table.astype(numpy.float64).mean() - mean) < 4 * deviation, table.mean()


def unbiased(exact, after, scales):
    """Codes of `after` are one of the two about what they round, as often as is right on average."""
    exact = exact.astype(numpy.float64) / scales[:, None]
    codes = numpy.rint(after / scales[:, None])
    error = codes - exact
    assert error.size > 1e6 and numpy.abs(error).max() <= 1 + 1e-4 and numpy.abs(codes).max() == 127
    share = exact - numpy.floor(exact)
    variance = (share * (1 - share)).mean()
    assert abs(error.mean()) < 4 * (variance / error.size) ** 0.5, error.mean()
    assert abs((error ** 2).mean() / variance - 1) < 0.01, ((error ** 2).mean(), variance)


mode = sys.argv[1]
(left, _), (right, scales) = parameters(sys.argv[2]), parameters(sys.argv[3])
types = {name: dtype for name, (dtype, _, _) in stored(sys.argv[3]).items()}
assert left.keys() == right.keys()
if mode in ("table", "mean"):
    first, second = (tensors["embed"].reshape(-1, 64)[257:] for tensors in (left, right))
    if mode == "table":
        sys.exit(int((first != second).any()))
    mean_of(first, float(sys.argv[4]))
    sys.exit()
if mode == "unbiased":
    unbiased(left["head"], right["head"], scales["head.scales"])
    sys.exit()
narrow = {"BF16": nearest_bf16, "I8": nearest_int8}
for name in left:
    if mode == "same":
        assert (left[name] == right[name]).all(), name
    elif mode == "nearest":
        expected = narrow.get(types[name], lambda values: values)(left[name])
        assert (expected == right[name]).all(), name
    elif types[name] in narrow:
        distance = numpy.linalg.norm(left[name] - right[name]) / numpy.linalg.norm(left[name])
        assert distance <= float(sys.argv[4]), (name, distance)
assert mode != "nearest" or set(types.values()) & set(narrow)
