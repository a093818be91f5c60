"""Prints the events of a folder as protoc decodes them without a schema."""
import pathlib
import struct
import subprocess
import sys

for path in pathlib.Path(sys.argv[1]).iterdir():
    content = path.read_bytes()
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        print(subprocess.run(["protoc", "--decode_raw"], input=content[12:12 + length], capture_output=True, check=True).stdout.decode())
        content = content[16 + length:]
