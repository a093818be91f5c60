"""change_record.py DIR PATTERN TENSOR [AMOUNT]: adds AMOUNT, 1 if absent, to the first f32 of TENSOR in the file that matches and in
which that tensor is smallest, but not zero."""
import array
import json
import pathlib
import struct
import sys


def span(data):
    """Where the tensor is in a file's bytes."""
    length = struct.unpack_from("<Q", data)[0]
    return [8 + length + at for at in json.loads(data[8:8 + length])[sys.argv[3]]["data_offsets"]]


def size(path):
    data = path.read_bytes()
    return max(map(abs, array.array("f", data[slice(*span(data))])))


path = min((path for path in sorted(pathlib.Path(sys.argv[1]).glob(sys.argv[2])) if size(path)), key=size)
data = bytearray(path.read_bytes())
at = span(data)[0]
struct.pack_into("<f", data, at, struct.unpack_from("<f", data, at)[0] + float(sys.argv[4] if len(sys.argv) > 4 else 1))
path.write_bytes(data)
