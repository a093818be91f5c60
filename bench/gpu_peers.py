#!/usr/bin/env python3
"""What a GPU's own libraries reach where bench/gpu.sh measures ours; prints JSON for gpu_report.py.

gpu_peers.py --device: one line, the GPU and its driver; fails and says what is missing if there is none.
gpu_peers.py PROFILE PLAN MODEL: copies by the driver, for each product of the profile cuBLAS by way of torch (bf16; int8 as
_int_mm; f32 as such, for three products of TF32 are one of f32), for attention PyTorch's scaled_dot_product_attention in bf16,
forward and backward. Medians by the GPU's clock of calls in a row, whose operands stay in cache if they fit. Without torch, or where it
fails, the reason stands in place of a number."""
import ctypes
import json
import re
import statistics
import sys
from functools import partial
from pathlib import Path

from gpu_report import read_kernels


class Driver:
    """libcuda.so.1: needs no torch."""

    def __init__(self):
        self.library = ctypes.CDLL("libcuda.so.1")
        self.call("cuInit", 0)

    def call(self, name, *arguments):
        if error := getattr(self.library, name)(*arguments):
            raise OSError(f"{name} failed with CUDA error {error}")

    def attribute(self, number):
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), number, 0)
        return value.value

    def describe(self):
        name, version = ctypes.create_string_buffer(256), ctypes.c_int()
        self.call("cuDeviceGetName", name, len(name), 0)
        self.call("cuDriverGetVersion", ctypes.byref(version))
        capability = 10 * self.attribute(75) + self.attribute(76)
        module = Path("/proc/driver/nvidia/version")
        number = re.search(r"\d+\.\d+[.\d]*", module.read_text() if module.is_file() else "")
        driver = f"driver {number[0] if number else 'unknown'}, CUDA {version.value // 1000}.{version.value % 1000 // 10}"
        return f"{name.value.decode()}, sm_{capability}, {driver}"

    def copy_rate(self, size=1 << 29, times=10):
        """Bytes per second, read and written, of copies too large for any cache; what it allocates goes with the process."""
        context, stream, source, target, begin, end = (ctypes.c_void_p() for _ in range(6))
        ms = ctypes.c_float()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
        self.call("cuCtxSetCurrent", context)
        self.call("cuStreamCreate", ctypes.byref(stream), 1)
        for event in (begin, end):
            self.call("cuEventCreate", ctypes.byref(event), 0)
        for memory in (source, target):
            self.call("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(size))
        seconds = []
        for _ in range(times):
            self.call("cuEventRecord", begin, stream)
            self.call("cuMemcpyDtoDAsync_v2", target, source, ctypes.c_size_t(size), stream)
            self.call("cuEventRecord", end, stream)
            self.call("cuStreamSynchronize", stream)
            self.call("cuEventElapsedTime", ctypes.byref(ms), begin, end)
            seconds.append(ms.value / 1e3)
        return 2 * size / statistics.median(seconds)


def seconds_of(torch, call, rounds=7, least=2e-3):
    """Median of a call; so many in a row that launching them costs nothing."""
    def once(times):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(times):
            call()
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end) / 1e3 / times
    once(3)
    times = max(1, int(least / once(3)))
    return statistics.median(once(times) for _ in range(rounds))


def product(torch, kernel):
    """cuBLAS on x of M rows and w of N rows, as a linear layer has them, or w transposed: the better of both."""
    *_, m, n = map(int, re.match(r"gemm_([\dx]+)", kernel.name)[1].split("x"))  # parts of a split product come first
    k = max(8, int(kernel.operations / (2 * m * n)) // 8 * 8)  # what is computed beside the product is less than 8 an element
    kind = {"bf16": torch.bfloat16, "int8": torch.int8, "f32": torch.float32}[kernel.arithmetic]
    x, w = (torch.randn(rows, k, device="cuda").to(kind) for rows in (m, n))
    multiply = torch._int_mm if kind == torch.int8 else torch.matmul
    peers = []
    for factor in (w.t(), w.t().contiguous()):
        torch.backends.cuda.matmul.allow_tf32 = False
        seconds, of = seconds_of(torch, lambda: multiply(x, factor)), f"cuBLAS {kernel.arithmetic}, K {k}"
        if kind == torch.float32:
            torch.backends.cuda.matmul.allow_tf32 = True
            of += f"; in TF32 {kernel.operations / seconds_of(torch, lambda: multiply(x, factor)) / 1e12:,.1f}"
        peers.append((seconds, of))
    return min(peers)


def attention(torch, kernel, sizes, heads, kv_heads):
    import torch.nn.functional as functional
    _, width = map(int, re.match(r"attention_(\d+)x(\d+)", kernel.name).groups())

    def random(count):
        shape = sizes["batch"], count, sizes["seq"], width // heads
        return torch.randn(shape, device="cuda", dtype=torch.bfloat16, requires_grad=True)
    q, k, v = random(heads), random(kv_heads), random(kv_heads)
    grouped = {"enable_gqa": True} if heads != kv_heads else {}
    forward = partial(functional.scaled_dot_product_attention, q, k, v, is_causal=True, **grouped)
    if "attention_grad" not in kernel.what:
        with torch.no_grad():
            return seconds_of(torch, forward), "SDPA forward"
    y = forward()
    dy = torch.randn_like(y)
    return seconds_of(torch, lambda: torch.autograd.grad(y, (q, k, v), dy, retain_graph=True)), "SDPA backward"


def peer(kernel, sizes, model):
    try:
        import torch
        if kernel.kind == "gemm":
            seconds, of = product(torch, kernel)
        else:
            seconds, of = attention(torch, kernel, sizes, *map(int, re.search(r"heads = (\d+) kv_heads = (\d+)", model).groups()))
        return {"seconds": seconds, "of": of}
    except Exception as problem:  # of a peer: whatever it is, the other numbers stand
        return {"reason": (str(problem).strip().splitlines() or [repr(problem)])[0][:80]}


def main():
    if sys.argv[1:] == ["--device"]:
        try:
            return print(Driver().describe())
        except OSError as problem:
            sys.exit(f"there is no NVIDIA GPU, or no driver for it: {problem}")
    profile, plan, model = sys.argv[1:]
    plan = json.loads(Path(plan).read_text())
    result = {"copy": None, "kernels": {}}
    try:
        result["copy"] = Driver().copy_rate()
    except (OSError, AttributeError) as problem:
        result["reason"] = str(problem)
    for kernel in read_kernels(profile, plan):
        if kernel.is_product():
            result["kernels"][kernel.name] = peer(kernel, plan["sizes"], Path(model).read_text())
    print(json.dumps(result, indent=1))


main()
