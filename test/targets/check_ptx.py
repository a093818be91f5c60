"""Compiles a model for every NVIDIA row and assembles its kernels: fails where ptxas refuses one, where one spills or has a stack,
or where machine code is for another architecture. Usage: check_ptx.py NANOCHAT_OPT PTXAS MODEL [OPTIONS...]"""
import os
import re
import struct
import subprocess
import sys
import tempfile

ROWS = {"sm_89": "sm_89", "sm_90": "sm_90a", "sm_100": "sm_100a", "sm_120": "sm_120a"}


def check(row, chip, compiler, ptxas, arguments, folder):
    text, code = os.path.join(folder, "k.ptx"), os.path.join(folder, "k.cubin")
    subprocess.run([compiler, *arguments, f"--target={row}", "--emit=ptx", "-o", text], check=True)
    report = subprocess.run([ptxas, "-v", "-arch", chip, text, "-o", code], check=True, capture_output=True, text=True).stderr
    kernels = re.findall(r"Function properties for (\S+)\n\s*(.*)\n", report)
    costs = [f"{name}: {cost}" for name, cost in kernels if cost != "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads"]
    flags = struct.unpack("<I", open(code, "rb").read()[48:52])[0]
    number = int(row[3:])
    if not kernels or costs:
        sys.exit(f"{row}: {len(kernels)} kernels\n" + "\n".join(costs))
    if number not in (flags & 255, flags >> 8 & 255):
        sys.exit(f"{row}: machine code has the flags {flags:#x}")


def main():
    compiler, ptxas, *arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        for row, chip in ROWS.items():
            check(row, chip, compiler, ptxas, arguments, folder)


main()
