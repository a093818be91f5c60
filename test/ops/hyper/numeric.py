"""Hyper-connections in f64 against oracle.py: stream ops, coefficients, a whole layer. Prints a program for
--nanochat-check-numeric."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../optimizers"))
from oracle import coefficients, collapse_streams, copy_streams, logit_count, mix_streams, update_streams
import mlir_text
from mlir_text import type_of

ITERATIONS = {1: 20, 2: 1, 3: 7, 4: 20, 5: 20}  # by streams; 20 is the default, and not written


def literal(x):
    """Full precision. MLIR wants a point in every float: 1.0e-05, not 1e-05."""
    if np.ndim(x):
        return "[" + ", ".join(literal(v) for v in x) + "]"
    assert np.isfinite(x)
    text = repr(float(x))
    return text if "." in text else text.replace("e", ".0e")


class Layer(mlir_text.Function):
    """Of f64."""

    def __init__(self, name):
        super().__init__(name, 1e-12)

    def constant(self, x):
        return self.add(f"arith.constant dense<{literal(x)}> : {type_of(x, 'f64')}")

    def op(self, text, *arrays, results=1):
        """An op whose operands have the types of arrays."""
        return self.add(f"nanochat.{text} : {', '.join(type_of(a, 'f64') for a in arrays)}", results)

    def expect(self, value, x):
        self.results += [(value, type_of(x, "f64")), (self.constant(x), type_of(x, "f64"))]


def streams(rng, n, rows, channels):
    """Every stream op, with coefficients of any sign."""
    f = Layer(f"streams_{n}_{rows}x{channels}")
    h, x, y = (rng.standard_normal((rows, size)) for size in (channels, n * channels, channels))
    pre, post, res = (rng.standard_normal((rows, size)) for size in (n, n, n * n))
    vh, vx, vy, vpre, vpost, vres = map(f.constant, (h, x, y, pre, post, res))
    f.expect(f.op(f"copy_streams {vh} streams = {n}", h), copy_streams(h, n))
    f.expect(f.op(f"collapse_streams {vx} streams = {n}", x), collapse_streams(x, n))
    f.expect(f.op(f"collapse_streams {vx} streams = {n} mean", x), collapse_streams(x, n, mean=True))
    f.expect(f.op(f"mix_streams {vx}, {vpre}", x, pre), mix_streams(x, pre))
    f.expect(f.op(f"update_streams {vx}, {vres}, {vpost}, {vy}", x, res, post, y), update_streams(x, res, post, y))
    print(f)


def add_coefficients(f, rng, kind, dynamic, n, x, vx, size=1.0):
    """Adds the op, with logits of standard deviation about size; returns its results and what they should be."""
    iterations, count = ITERATIONS[n], logit_count(kind, n)
    operands, text = [x, size * rng.standard_normal(count)], f"{kind} {vx}, "
    text += f.constant(operands[1])
    if dynamic:
        operands += [rng.standard_normal((count, x.shape[1])) / x.shape[1] ** .5, size * np.array([.6, -.9, 1.2])]
        text += " phi " + ", ".join(map(f.constant, operands[2:]))
    text += f" streams = {n}" + (f" iterations = {iterations}" if kind == "sinkhorn" and iterations != 20 else "")
    names = f.op(f"hyper_coefficients {text}", *operands, results=3)
    return names, coefficients(kind, x, operands[1], n, *operands[2:], iterations=iterations)


def of_logits(rng, kind, dynamic, n, rows, channels, size=1.0):
    """Coefficients of tokens of very different sizes: the first is near the 1e-20 of the norm, the last zero."""
    f = Layer(f"{kind}_{'dynamic' if dynamic else 'static'}_{n}_{rows}x{channels}" + ("_large" if size > 1 else ""))
    x = rng.standard_normal((rows, n * channels)) * 10.0 ** rng.integers(-3, 4, (rows, 1))
    x[0] *= 1e-10 / np.abs(x[0]).max()
    x[-1] = 0
    for name, expected in zip(*add_coefficients(f, rng, kind, dynamic, n, x, f.constant(x), size)):
        f.expect(name, expected)
    print(f)


def layer(rng, kind, dynamic, n):
    """From a residual to streams, two sublayers that return their inputs, and back."""
    f = Layer(f"layer_{kind}_{'dynamic' if dynamic else 'static'}_{n}")
    h = rng.standard_normal((5, 3))
    x, vx = copy_streams(h, n), f.op(f"copy_streams {f.constant(h)} streams = {n}", h)
    for _ in range(2):
        (vpre, vpost, vres), (pre, post, res) = add_coefficients(f, rng, kind, dynamic, n, x, vx)
        y, vy = mix_streams(x, pre), f.op(f"mix_streams {vx}, {vpre}", x, pre)
        vx = f.op(f"update_streams {vx}, {vres}, {vpost}, {vy}", x, res, post, y)
        x = update_streams(x, res, post, y)
        f.expect(vx, x)
    f.expect(f.op(f"collapse_streams {vx} streams = {n} mean", x), collapse_streams(x, n, mean=True))
    print(f)


def main():
    rng = np.random.default_rng(0)
    for n, rows, channels in ((1, 5, 3), (2, 5, 3), (3, 5, 4), (4, 5, 3), (5, 7, 1), (4, 1, 17), (3, 3, 33)):
        streams(rng, n, rows, channels)
    for dynamic in (False, True):
        for kind in ("sinkhorn", "permutation", "none"):
            for n in (1, 2, 3, 4):
                of_logits(rng, kind, dynamic, n, 5, 3)
            layer(rng, kind, dynamic, 3)
        for kind, n in (("sinkhorn", 2), ("sinkhorn", 3), ("sinkhorn", 4), ("permutation", 4)):
            of_logits(rng, kind, dynamic, n, 7, 5, size=8.0)
    of_logits(rng, "permutation", True, 5, 5, 3)


main()
