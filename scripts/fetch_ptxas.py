"""Fetches ptxas for tests, where a machine has no CUDA toolkit: FOLDER/bin/ptxas, of the Python package nvidia-cuda-nvcc,
which pip downloads from wherever it is set up to.
Usage: fetch_ptxas.py FOLDER"""
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def main():
    path = os.path.join(sys.argv[1], "bin", "ptxas")
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--only-binary=:all:", "--dest", scratch, "nvidia-cuda-nvcc"], check=True)
        archive = zipfile.ZipFile(next(Path(scratch).glob("*.whl")))
        content = archive.read(next(name for name in archive.namelist() if name.endswith("/bin/ptxas")))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, 0o755)


main()
