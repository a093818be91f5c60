"""Integer gradients of the ternary product against numpy, for token counts with and without good divisors: what the ops say they
compute, to rounding, and how far that is from the gradient in f64: int16 less than half as far as bf16 products, int8 by less
than two hundredths. Codes of int8 rounded by chance are those of the oracle of four-bit floats' random numbers, to the bit. Prints a program for
--nanochat-check-numeric."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../optimizers"))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../fp4"))
from mlir_text import constant, type_of
from oracle import halves

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


ADDRESS = (7, -3, 11, 5, 2)  # seed, site, iteration, step


def by_chance(x, axis, iteration):
    """Codes of f32 numbers and the largest along the axis, which need not be a multiple of eight long."""
    whole = list(x.shape)
    whole[axis] = -(-whole[axis] // 8) * 8
    random = halves(tuple(whole), axis, [v % 2**32 for v in ADDRESS[:3]], iteration, ADDRESS[4])[:x.shape[0], :x.shape[1]]
    number = x.dtype.type
    most = np.abs(x).max(axis=axis, keepdims=True)
    u = x * np.where(most > number(1e-30), number(127) / np.maximum(most, number(1e-30)), number(0))
    assert u.dtype == x.dtype
    codes = np.floor(u) + ((random.astype(x.dtype) + x.dtype.type(0.5)) / x.dtype.type(65536) < u - np.floor(u))
    return codes.astype(np.int64), most


def chance_case(rng, n, out, inner):
    dy, s = F(rng.standard_normal((n, out))), F(rng.uniform(0.5, 2, n))
    dy[:, out // 2] = 0
    q, t, gamma = rng.integers(-127, 128, (n, inner)), rng.integers(-1, 2, (out, inner)), F(0.03)
    rows, of_rows = by_chance(dy, 1, ADDRESS[3])
    columns, of_columns = by_chance(dy * s[:, None], 0, ADDRESS[3])
    dx = rows @ t * float(gamma) * of_rows.astype(float) / 127
    dw = columns.T @ q * of_columns.T.astype(float) / 127
    results, body = [], []

    def expect(value, x, element="f32"):
        body.append(f"  %e{len(results)} = arith.constant {constant(x) if element == 'f32' else f'dense<{x.tolist()}>'} : {type_of(x, element)}")
        results.extend([(value, type_of(x, element)), (f"%e{len(results)}", type_of(x, element))])

    expect("%rows", rows, "i8"), expect("%of_rows", of_rows[:, 0])
    expect("%columns", columns, "i8"), expect("%of_columns", of_columns[0])
    expect("%dx", F(dx)), expect("%dw", F(dw))
    types = ", ".join(t for _, t in results)
    lines = "\n".join(body)
    return f"""func.func @chance_{n}() -> ({types}) attributes {{nanochat.tolerance = 1.0e-6 : f64}} {{
  %dy = arith.constant {constant(dy)} : {type_of(dy)}
  %q = arith.constant dense<{q.tolist()}> : {type_of(q, "i8")}
  %s = arith.constant {constant(s)} : {type_of(s)}
  %t = arith.constant dense<{t.tolist()}> : {type_of(t, "i8")}
  %gamma = arith.constant dense<{gamma}> : tensor<f32>
  %a = arith.constant dense<{list(ADDRESS)}> : tensor<5xi32>
  %rows, %of_rows = nanochat.quantize_stochastic %dy axis = 1 draws %a : {type_of(dy)}
  %columns, %of_columns = nanochat.quantize_stochastic %dy scaled %s : {type_of(s)} axis = 0 draws %a : {type_of(dy)}
  %dx = nanochat.ternary_input_grad %dy, %t, %gamma format int8 draws %a : {type_of(dy)}, {type_of(t, "i8")}, tensor<f32>
  %dw = nanochat.ternary_weight_grad %dy, %q, %s format int8 draws %a : {type_of(dy)}, {type_of(q, "i8")}, {type_of(s)}
{lines}
  return {', '.join(v for v, _ in results)} : {types}
}}"""


def head_case(rng, tokens=18, words=5, width=4):
    """The gradient of a head whose chunks of two tokens, and products, draw numbers of their own."""
    chunks = tokens // 2
    h, w = F(rng.standard_normal((tokens, width))).astype(float), F(rng.standard_normal((words, width))).astype(float)
    targets, weights = rng.integers(0, words, tokens), F(rng.uniform(0.5, 2, tokens)).astype(float)
    z = h @ w.T
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    dz = (p - np.eye(words)[targets]) * weights[:, None] / tokens
    most_w, s = np.abs(w).max(axis=0), np.maximum(np.abs(h).max(axis=1), 1e-5) / 127
    of_w, q = np.rint(w * 127 / most_w), np.rint(h / s[:, None])
    dh, dw = [], 0
    for c in range(chunks):
        rows = slice(2 * c, 2 * c + 2)
        first = (ADDRESS[3] * chunks + c) * 2
        codes, most = by_chance(dz[rows], 1, first)
        dh.append(codes @ of_w * (most / 127) * (most_w / 127))
        codes, most = by_chance(dz[rows] * s[rows, None], 0, first + 1)
        dw = dw + codes.T @ q[rows] * most.T / 127
    dh = np.concatenate(dh)
    names = {"h": h, "w": w, "v": weights, "eh": dh, "ew": dw}
    body = "\n".join(f"  %{n} = arith.constant {constant(x)} : {type_of(x, 'f64')}" for n, x in names.items())
    return f"""func.func @head() -> ({type_of(dh, 'f64')}, {type_of(dh, 'f64')}, {type_of(dw, 'f64')}, {type_of(dw, 'f64')}) attributes {{nanochat.tolerance = 1.0e-6 : f64}} {{
{body}
  %t = arith.constant dense<{targets.tolist()}> : {type_of(targets, "i32")}
  %a = arith.constant dense<{list(ADDRESS)}> : tensor<5xi32>
  %loss, %nll, %dh, %dw = nanochat.linear_cross_entropy_with_grad %h, %w, %t weights %v backward <dx = int8, dw = int8, rounding = stochastic> draws %a
    : {type_of(h, 'f64')}, {type_of(w, 'f64')}, {type_of(targets, "i32")}, {type_of(weights, 'f64')}
  return %dh, %eh, %dw, %ew : {type_of(dh, 'f64')}, {type_of(dh, 'f64')}, {type_of(dw, 'f64')}, {type_of(dw, 'f64')}
}}"""


def check_unbiased():
    """The mean of a million codes is what they are of, between neighbours everywhere."""
    numbers = np.array([-126.3, -77.1, -3.5, -1e-6, 1e-6, 0.2, 64.9, 126.7])
    x = F(np.tile(numbers, (1 << 20) // 8 * 8 // 8))[None]
    x = np.concatenate([x, np.full((1, 8), 127, F)], axis=1)
    codes, _ = by_chance(x, 1, 0)
    for i, number in enumerate(numbers):
        own = codes[0, i:-8:8]
        fraction = number - np.floor(number)
        assert abs(own.mean() - number) <= 4 * np.sqrt(fraction * (1 - fraction) / len(own)) + 2**-17, number


def chance_blocks():
    """Two blocks of tokens, whose codes are of random numbers of their own: their difference."""
    block = (2**31 - 1) // (128 * 127)
    dy = np.full((block, 1), 0.3, F)
    dy[0] = 127
    codes = [by_chance(dy, 0, 2 * ADDRESS[3] + b)[0].sum() for b in (0, 1)]
    assert codes[0] != codes[1]
    matrix = f"tensor<{2 * block}x1x"
    return f"""func.func @chance_blocks() -> (tensor<1x1xf32>, tensor<1x1xf32>) attributes {{nanochat.tolerance = 1.0e-6 : f64}} {{
  %i0 = arith.constant 0 : index
  %i1 = arith.constant {block} : index
  %most = arith.constant 127.0 : f32
  %all = arith.constant dense<0.3> : {matrix}f32>
  %first = tensor.insert %most into %all[%i0, %i0] : {matrix}f32>
  %dy = tensor.insert %most into %first[%i1, %i0] : {matrix}f32>
  %ones = arith.constant dense<1> : {matrix}i8>
  %minus = arith.constant dense<-1> : tensor<{block}x1xi8>
  %q = tensor.insert_slice %minus into %ones[{block}, 0] [{block}, 1] [1, 1] : tensor<{block}x1xi8> into {matrix}i8>
  %s = arith.constant dense<1.0> : tensor<{2 * block}xf32>
  %a = arith.constant dense<{list(ADDRESS)}> : tensor<5xi32>
  %dw = nanochat.ternary_weight_grad %dy, %q, %s format int8 draws %a : {matrix}f32>, {matrix}i8>, tensor<{2 * block}xf32>
  %e = arith.constant dense<{float(codes[0] - codes[1])}> : tensor<1x1xf32>
  return %dw, %e : tensor<1x1xf32>, tensor<1x1xf32>
}}"""


check_unbiased()
print(chance_blocks())
print(head_case(np.random.default_rng(5)))
for n in (1, 8, 37):
    print(chance_case(np.random.default_rng(n), n, 13, 5))
rng = np.random.default_rng(0)
for n in (3, 512, 600, 521, 1042):
    for most in (32767, 127):
        print(case(rng, most, n, 13, 5))
