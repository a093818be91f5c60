"""change_record.py DIR PATTERN TENSOR: adds 1 to the first f32 of TENSOR in the first file that matches."""
import json
import pathlib
import struct
import sys

path = sorted(pathlib.Path(sys.argv[1]).glob(sys.argv[2]))[0]
data = bytearray(path.read_bytes())
length = struct.unpack_from("<Q", data)[0]
header = json.loads(data[8:8 + length])
at = 8 + length + header[sys.argv[3]]["data_offsets"][0]
struct.pack_into("<f", data, at, struct.unpack_from("<f", data, at)[0] + 1)
path.write_bytes(data)
