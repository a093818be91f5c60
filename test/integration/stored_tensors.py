"""Safetensors files as they are stored, without numpy."""
import json
import struct


def stored(path):
    """Element type, shape and bytes of every tensor by name."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    header.pop("__metadata__", None)
    return {name: (info["dtype"], info["shape"], data[slice(*info["data_offsets"])]) for name, info in header.items()}
