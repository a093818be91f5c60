# SPDX-License-Identifier: Apache-2.0
"""Fetches ptxas from PyPI (nvidia-cuda-nvcc) for tests, where a machine has no CUDA toolkit: FOLDER/bin/ptxas.
Usage: fetch_ptxas.py FOLDER"""
import io
import json
import os
import sys
import urllib.parse
import urllib.request
import zipfile

INDEX = "https://pypi.org/pypi/nvidia-cuda-nvcc/json"


def read(address):
    with urllib.request.urlopen(urllib.parse.urljoin(INDEX, address), timeout=60) as reply:
        return reply.read()


def main():
    path = os.path.join(sys.argv[1], "bin", "ptxas")
    files = json.loads(read(INDEX))["urls"]
    wheel = next(f["url"] for f in files if f["filename"].endswith(".whl") and "manylinux" in f["filename"] and "x86_64" in f["filename"])
    archive = zipfile.ZipFile(io.BytesIO(read(wheel)))
    content = archive.read(next(name for name in archive.namelist() if name.endswith("/bin/ptxas")))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, 0o755)


main()
