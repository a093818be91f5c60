"""Four-bit floats against oracle.py: transforms, scales, codes to the bit, products. Prints a program for
--nanochat-check-numeric."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../optimizers"))
from oracle import block_matmul, hadamard, halves, philox, quantize_mxfp4, quantize_nvfp4
import mlir_text
from mlir_text import constant, type_of

F = np.float32
ADDRESS = (7, -3, 11, 5, 2)  # seed, site, iteration, step


class Function(mlir_text.Function):
    """Of f32 and integers."""

    def floats(self, x):
        return self.add(f"arith.constant {constant(x)} : {type_of(x)}")

    def integers(self, x, element):
        return self.add(f"arith.constant dense<{np.asarray(x).tolist()}> : {type_of(x, element)}")

    def expect(self, value, x, element):
        expected = self.floats(x) if element == "f32" else self.integers(x, element)
        self.results += [(value, type_of(x, element)), (expected, type_of(x, element))]


def signs(run):
    """Those of hadamard."""
    return 1 - 2.0 * (philox((np.arange(run), 0, 0, 0), (0, 0))[0] & 1)


def quantize(f, x, kind, axis, scale, draws, run=0):
    """Adds a quantizer of x; returns the names of codes and scales and what they should be."""
    half = None
    if draws:
        seed_site = [v % 2**32 for v in ADDRESS[:3]]
        half = halves(x.shape, axis, seed_site, *ADDRESS[3:])
    value, options, of_runs = f.floats(x), "", f" run = {run}" if run else ""
    if run:
        x = hadamard(x, signs(run), 0)
    if kind == "mxfp4":
        codes, stored = quantize_mxfp4(x, axis, scale, half)
        factor = F(1)
    else:
        codes, stored, factor = quantize_nvfp4(x, axis, half)
        tensor = f.add(f"nanochat.tensor_scale {value} : {type_of(x)}")
        f.expect(tensor, factor, "f32")
        options = f" tensor {tensor} : tensor<f32>"
    if draws:
        options += " draws " + f.integers(np.array(ADDRESS), "i32")
    names = f.add(f"nanochat.quantize_fp4 {kind} {value} axis = {axis}{of_runs}{' scale up' if scale == 'up' else ''}{options} : {type_of(x)}", 2)
    f.expect(names[0], codes, "i8")
    if kind == "mxfp4":
        f.expect(names[1], stored.view(np.int8), "i8")
        return names, codes, np.ldexp(F(1), stored.astype(int) - 127) * (stored > 0)
    wide = f.add(f"arith.extf {names[1]} : {type_of(stored, 'f8E4M3FN')} to {type_of(stored)}")
    f.expect(wide, stored, "f32")
    return names, codes, stored


def pairs(codes, axis):
    """Two codes in a byte, the first in its low bits: sign, exponent, fraction."""
    codes = np.asarray(codes) if axis else np.asarray(codes).T
    bits = np.searchsorted([0, 1, 2, 3, 4, 6, 8, 12], np.abs(codes)) | 8 * (codes < 0)
    return (bits[:, 0::2] | bits[:, 1::2] << 4).astype(np.uint8).view(np.int8)


def packed(rng, kind, block):
    """Products of pairs: of two quantised matrices, and of one with ternary weights."""
    f = Function(f"packed_{kind}", 3e-7)
    dy, x, t = numbers(rng, (96, 7)), F(rng.standard_normal((96, 5))), rng.integers(-1, 2, (96, 5))
    stored, quarter = "i8" if kind == "mxfp4" else "f8E4M3FN", F(.25)
    operands = []
    for value, axis, scale in ((dy, 0, "floor"), (x, 0, "floor")):
        codes, scales = (quantize_mxfp4(value, axis, scale) if kind == "mxfp4" else quantize_nvfp4(value, axis)[:2])
        tensor = f" tensor {f.add(f'nanochat.tensor_scale {f.floats(value)} : {type_of(value)}')} : tensor<f32>" if kind == "nvfp4" else ""
        names = f.add(f"nanochat.quantize_fp4 {kind} {f.floats(value)} axis = {axis} packed{tensor} : {type_of(value)}", 2)
        f.expect(names[0], pairs(codes, axis), "i8")
        if kind == "mxfp4":
            f.expect(names[1], scales.T.view(np.int8), "i8")
            scales = np.ldexp(F(1), scales.astype(int) - 127) * (scales > 0)
        operands.append((names, codes.T, scales.T))
    (a, ca, ga), (b, cb, gb) = operands
    types = type_of(ga, stored), type_of(gb, stored)
    shapes = type_of(pairs(ca, 1), "i8"), type_of(pairs(cb, 1), "i8")
    y = f.add(f"nanochat.fp4_matmul {kind} {a[0]} scaled {a[1]} : {types[0]}, {b[0]} scaled {b[1]} : {types[1]} : {shapes[0]}, {shapes[1]}")
    f.expect(y, quarter * block_matmul(ca, ga, cb, gb, block), "f32")
    w = f.add(f"nanochat.pack_fp4 {f.integers(t, 'i8')} axis = 0 : {type_of(t, 'i8')}")
    f.expect(w, pairs(t, 0), "i8")
    y = f.add(f"nanochat.fp4_matmul {kind} {a[0]} scaled {a[1]} : {types[0]}, {w} : {shapes[0]}, {type_of(pairs(t, 0), 'i8')}")
    f.expect(y, quarter * block_matmul(ca, ga, t.T, None, block), "f32")
    print(f)


def in_panels(rng, kind, block):
    """Codes as products of CPUs read them, 128 more than they are, and a product of them."""
    f = Function(f"panels_{kind}", 3e-7)
    dy, x = numbers(rng, (96, 7)), F(rng.standard_normal((96, 32)))
    stored = "i8" if kind == "mxfp4" else "f8E4M3FN"
    (a, sa), ca, ga = quantize(f, dy, kind, 0, "floor", False)
    codes, scales = (quantize_mxfp4(x, 0) if kind == "mxfp4" else quantize_nvfp4(x, 0)[:2])
    tensor = f" tensor {f.add(f'nanochat.tensor_scale {f.floats(x)} : {type_of(x)}')} : tensor<f32>" if kind == "nvfp4" else ""
    b, sb = f.add(f"nanochat.quantize_fp4 {kind} {f.floats(x)} axis = 0 panels{tensor} : {type_of(x)}", 2)
    panels = (codes.reshape(24, 4, 2, 16).transpose(2, 0, 3, 1).astype(int) + 128).astype(np.uint8).view(np.int8)
    f.expect(b, panels, "i8")
    gb = np.ldexp(F(1), scales.astype(int) - 127) * (scales > 0) if kind == "mxfp4" else scales
    y = f.add(f"nanochat.block_matmul {a} trans_a scaled {sa} : {type_of(ga, stored)}, {b} trans_b scaled {sb} : {type_of(gb, stored)}, "
              f"{f.floats(F(.25))} block = {block} : {type_of(ca, 'i8')}, {type_of(panels, 'i8')}, tensor<f32>")
    f.expect(y, F(.25) * block_matmul(ca.T, ga.T, codes.T, gb.T, block), "f32")
    print(f)


def numbers(rng, shape):
    """Of very different sizes by rows and columns; a block of zeros, one of subnormals, one that is large."""
    x = rng.standard_normal(shape) * 2.0 ** rng.integers(-12, 12, shape[0])[:, None] * 2.0 ** rng.integers(-6, 6, shape[1])
    x[:32, :3], x[0, :32] = 0, 0
    return F(x)


def main():
    rng = np.random.default_rng(0)
    ramp = F(.1 * (np.arange(32) - 15.5))[None]
    tie = F([[0, .25, .75, 1.25, 1.75, 2.5, 3.5, 5] + [6] * 24])
    tiny = F(np.geomspace(1e-40, 1e-36, 32))[None] * F([[1], [-3e3]])
    for i, (x, scale) in enumerate([(ramp, "floor"), (ramp, "up"), (tie, "floor"), (tiny, "floor"), (F(0 * ramp), "up")]):
        f = Function(f"golden_{i}")
        quantize(f, x, "mxfp4", 1, scale, False)
        print(f)
    f = Function("golden_nvfp4")
    quantize(f, F([[*(.1 * (np.arange(16) - 7.5)), 3, *[0] * 15]]), "nvfp4", 1, "floor", False)
    print(f)
    for kind in ("mxfp4", "nvfp4"):
        for axis in (0, 1):
            for scale, draws in (("floor", False), ("floor", True), ("up", False), ("up", True)):
                if kind == "mxfp4" or scale == "floor":
                    f = Function(f"{kind}_{axis}_{scale}_{int(draws)}")
                    shape = (96, 5) if axis == 0 else (3, 96)
                    quantize(f, numbers(rng, shape), kind, axis, scale, draws)
                    print(f)
    for run in (16, 32, 64):
        for draws in (False, True):
            f = Function(f"transformed_{run}_{int(draws)}")
            quantize(f, numbers(rng, (128, 5)), "mxfp4", 0, "floor", draws, run)
            print(f)
    for run in (1, 2, 16, 64):
        x = F(rng.standard_normal((128, 3)))
        f = Function(f"hadamard_{run}")
        f.expect(f.add(f"nanochat.hadamard {f.floats(x)} run = {run} : {type_of(x)}"), hadamard(x, signs(run), 0), "f32")
        print(f)
    for kind, block in (("mxfp4", 32), ("nvfp4", 16)):
        packed(rng, kind, block)
        in_panels(rng, kind, block)
        f = Function(f"products_{kind}", 3e-7)
        dy, x = numbers(rng, (96, 7)), F(rng.standard_normal((96, 5)))
        (a, sa), ca, ga = quantize(f, dy, kind, 0, "floor", True)
        (b, sb), cb, gb = quantize(f, x, kind, 0, "floor", False)
        factor = f.floats(F(.25))
        types = type_of(ga, "i8" if kind == "mxfp4" else "f8E4M3FN"), type_of(gb, "i8" if kind == "mxfp4" else "f8E4M3FN")
        y = f.add(f"nanochat.block_matmul {a} trans_a scaled {sa} : {types[0]}, {b} scaled {sb} : {types[1]}, {factor} block = {block} "
                  f": {type_of(ca, 'i8')}, {type_of(cb, 'i8')}, tensor<f32>")
        f.expect(y, F(.25) * block_matmul(ca.T, ga.T, cb.T, gb.T, block), "f32")
        dy = numbers(rng, (3, 96))
        (a, sa), ca, ga = quantize(f, dy, kind, 1, "floor", False)
        t = rng.integers(-1, 2, (96, 5))
        y = f.add(f"nanochat.block_matmul {a} scaled {sa} : {type_of(ga, 'i8' if kind == 'mxfp4' else 'f8E4M3FN')}, {f.integers(t, 'i8')}, "
                  f"{factor} block = {block} : {type_of(ca, 'i8')}, {type_of(t, 'i8')}, tensor<f32>")
        f.expect(y, F(.25) * block_matmul(ca, ga, t.T, None, block), "f32")
        print(f)


main()
