"""Integer gradients of the ternary product against numpy, for token counts with and without good divisors: what the ops say they
compute, to rounding, and how far that is from the gradient in f64: int16 less than half as far as bf16 products, int8 by less
than two hundredths. Prints a program for
--nanochat-check-numeric."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../optimizers"))
from mlir_text import constant, type_of

F = np.float32


def to_bf16(x):
    bits = F(x).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(F).astype(float)


def scaled(x, axis, limit):
    """Codes of x, of which those along `axis` share a scale, and that scale."""
    most = np.abs(x).max(axis=axis, keepdims=True)
    inverse = np.divide(limit, most, out=np.zeros_like(most), where=most > 1e-30)
    return np.rint(x * inverse).astype(np.int64), most / limit


def input_grad(most, dy, t, gamma):
    codes, scale = scaled(dy, 1, min(most, (2**31 - 1) // dy.shape[1]))
    sums = codes @ t.astype(np.int64)
    assert np.abs(sums).max() < 2**31
    return sums * gamma * scale


def weight_grad(most, dy, q, s):
    n, total = len(dy), 0
    block = block_of(most, n)
    for b in range(0, n, block):
        codes, scale = scaled((dy * s[:, None])[b:b + block], 0, min(most, (2**31 - 1) // (128 * block)))
        sums = codes.T @ q[b:b + block].astype(np.int64)
        assert np.abs(sums).max() < 2**31
        total = total + sums * scale.T
    return total


def relative(x, y):
    return np.sqrt(((x - y) ** 2).sum() / (y ** 2).sum())


def block_of(most, n):
    if most == 127:
        return n
    block = max(d for d in range(1, min(n, 512) + 1) if n % d == 0)
    return block if block >= 256 or block == n else min(d for d in range(512, n + 1) if n % d == 0)


def gradients(rng, shape, group, limit):
    """Numbers of very different sizes that float32 rounds to the codes of float64: groups of rows hold limit times a power of two,
    and none lies near the middle between two codes."""
    x = rng.choice([-1, 1], shape) * limit * 10.0 ** rng.uniform(-5, 0, shape)
    x = np.rint(x) + rng.uniform(-0.4, 0.4, shape)
    x[::group] = limit
    x *= 2.0 ** rng.integers(-20, 1, shape[1:])
    x[:, shape[1] // 2] = 0
    return F(x)


def case(rng, most, n, out, inner):
    dy = gradients(rng, (out, n), out, min(most, (2**31 - 1) // out)).T
    block = block_of(most, n)
    q, s = rng.integers(-127, 128, (n, inner)), F(2.0 ** rng.integers(-9, -4, n))
    dz = gradients(rng, (n, out), block, min(most, (2**31 - 1) // (128 * block))) / s[:, None]
    t, gamma = rng.integers(-1, 2, (out, inner)), F(0.03)
    x = q * s.astype(float)[:, None]
    pairs = [(input_grad(most, dy.astype(float), t, float(gamma)), dy.astype(float) @ (t * float(gamma)), to_bf16(dy) @ (t * to_bf16(gamma))),
             (weight_grad(most, dz.astype(float), q, s.astype(float)), dz.astype(float).T @ x, to_bf16(dz).T @ to_bf16(x))]
    for ours, exact, bf16 in pairs:
        bound = relative(bf16, exact) / 2 if most == 32767 else 0.02
        assert relative(ours, exact) < bound, (most, n, relative(ours, exact), bound)
    (dx, *_), (dw, *_) = pairs
    codes = {32767: "int16", 127: "int8"}[most]
    return f"""func.func @{codes}_{n}() -> ({type_of(dx)}, {type_of(dx)}, {type_of(dw)}, {type_of(dw)}) attributes {{nanochat.tolerance = 4.0e-6 : f64}} {{
  %dy = arith.constant {constant(dy)} : {type_of(dy)}
  %dz = arith.constant {constant(dz)} : {type_of(dz)}
  %q = arith.constant dense<{q.tolist()}> : {type_of(q, "i8")}
  %s = arith.constant {constant(s)} : {type_of(s)}
  %t = arith.constant dense<{t.tolist()}> : {type_of(t, "i8")}
  %gamma = arith.constant dense<{gamma}> : tensor<f32>
  %dx = nanochat.ternary_input_grad %dy, %t, %gamma format {codes} : {type_of(dy)}, {type_of(t, "i8")}, tensor<f32>
  %dw = nanochat.ternary_weight_grad %dz, %q, %s format {codes} : {type_of(dy)}, {type_of(q, "i8")}, {type_of(s)}
  %ex = arith.constant {constant(dx)} : {type_of(dx)}
  %ew = arith.constant {constant(dw)} : {type_of(dw)}
  return %dx, %ex, %dw, %ew : {type_of(dx)}, {type_of(dx)}, {type_of(dw)}, {type_of(dw)}
}}"""


rng = np.random.default_rng(0)
for n in (3, 512, 600, 521, 1042):
    for most in (32767, 127):
        print(case(rng, most, n, 13, 5))
