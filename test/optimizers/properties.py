"""Properties of Newton-Schulz, bases and small dense problems on matrices of random shapes, as a program for
--nanochat-check-numeric. What is a bound, x <= b, is the equality x = min(x, b). Usage: properties.py SEED"""
import sys

import numpy as np
from formulas import CUBIC, F, newton_schulz
from mlir_text import constant, type_of

rng = np.random.default_rng(int(sys.argv[1]))
functions = []
STREAM = "%stream = arith.constant dense<[1, 2, 3]> : tensor<3xi32>"


def function(name, lines, pairs, tolerance):
    """pairs: (value, value, type)"""
    types = ", ".join(f"{t}, {t}" for _, _, t in pairs)
    values = ", ".join(f"{a}, {b}" for a, b, _ in pairs)
    functions.append(f"func.func @{name}_{len(functions)}() -> ({types}) attributes {{nanochat.tolerance = {tolerance:.1e} : f64}} {{\n  "
                     + "\n  ".join(lines) + f"\n  return {values} : {types}\n}}")


def define(name, array):
    return f"%{name} = arith.constant {constant(array)} : {type_of(array)}"


def orthogonal(rows, columns):
    return np.linalg.qr(rng.standard_normal((rows, columns)))[0]


def matrix(m, n, spectrum):
    k = min(m, n)
    return F((orthogonal(m, k) * spectrum(np.arange(1, k + 1))) @ orthogonal(n, k).T)


def shape(most=70):
    return tuple(int(x) for x in rng.integers(2, most, size=2))


def newton_schulz_is_its_scalar_map(m, n):
    """In f64, to rounding; also for 3·G, Gᵀ and Q·G."""
    g = rng.standard_normal((m, n))
    for what, x in [("g", g), ("scaled", 3 * g), ("turned", orthogonal(m, m) @ g), ("transposed", g.T)]:
        x, t = np.asarray(x, float), type_of(x, "f64")
        for steps, name, options in [(5, "quintic", "steps = 5"), (10, "cubic", "a = 1.5, b = -0.5, c = 0.0, steps = 10")]:
            expected = newton_schulz(x, steps, 1e-7, *([CUBIC] if name == "cubic" else []))
            function(f"{name}_{what}", [f"%x = arith.constant dense<{x.tolist()}> : {t}", f"%e = arith.constant dense<{expected.tolist()}> : {t}",
                                        f"%o = nanochat.newton_schulz %x {{{options}}} : {t}"], [("%o", "%e", t)], 1e-9)


def basis_spans_and_is_orthonormal(m, n, rank, iterations, spectrum):
    k, tall = min(m, n), m > n
    g = matrix(m, n, spectrum)
    singular = np.linalg.svd(g.astype(float), compute_uv=False)
    # 1.05 of the best, and the floor that completes a basis beyond the rank of g.
    bound = 1.05 * np.sqrt((singular[rank:] ** 2).sum()) + 2e-4 * np.linalg.norm(g)
    p, r = f"tensor<{k}x{rank}xf32>", f"tensor<{m}x{rank}xf32>" if tall else f"tensor<{rank}x{n}xf32>"
    back = [f"%r = nanochat.matmul %g, %p : {type_of(g)}, {p}", f"%b = nanochat.matmul %r, %p transposed : {r}, {p}"] if tall else [
        f"%r = nanochat.matmul %p transposed, %g : {p}, {type_of(g)}", f"%b = nanochat.matmul %p, %r : {p}, {r}"]
    square = f"tensor<{rank}x{rank}xf32>"
    function("basis", [define("g", g), "%id = arith.constant dense<3> : tensor<i32>", STREAM,
                       f"%p = nanochat.low_rank_basis %g, %stream, %id, %id {{iterations = {iterations}}} : {type_of(g)} to {p}", *back,
                       f"%d = arith.subf %g, %b : {type_of(g)}", f"%n = nanochat.grad_norm %d : {type_of(g)}",
                       f"%bound = arith.constant dense<{bound:.8e}> : tensor<f32>", "%least = arith.minimumf %n, %bound : tensor<f32>",
                       f"%i = nanochat.matmul %p transposed, %p : {p}, {p}", define("eye", np.eye(rank))],
             [("%n", "%least", "tensor<f32>"), ("%i", "%eye", square)], 1e-5)


def eigenvectors(s, spectrum):
    q = orthogonal(s, s)
    values = np.sort(spectrum(np.arange(1, s + 1)))[::-1]
    a = F((q * values) @ q.T)
    t, v = type_of(a), f"tensor<{s}xf32>"
    function("eigen", [define("a", a), define("e", values), define("eye", np.eye(s)), f"%l, %v = nanochat.symmetric_eigen %a : {t}",
                       f"%i = nanochat.matmul %v, %v transposed : {t}, {t}", f"%va = nanochat.matmul %v, %a : {t}, {t}",
                       f"%d = nanochat.matmul %va, %v transposed : {t}, {t}", define("diagonal", np.diag(values))],
             [("%l", "%e", v), ("%i", "%eye", t), ("%d", "%diagonal", t)], 1e-5)


def eigenvectors_of_tiny_eigenvalues(s, element):
    """Values from 1 to 1e-8: |vᵢᵀ·a·vⱼ| is next to nothing beside √(lᵢ·lⱼ), whichever pair it is."""
    q = orthogonal(s, s)
    a = (q * np.logspace(0, -8, s)) @ q.T
    a = (F(a + a.T) if element == "f32" else a + a.T).astype(float)
    values = np.linalg.eigvalsh(a)[::-1]
    root = 1 / np.sqrt(np.abs(values))
    t, wide = type_of(a, element), type_of(a, "f64")
    double = lambda name, x: f"%{name} = arith.constant dense<{x.tolist()}> : {wide}"
    function("tiny", [f"%a = arith.constant dense<{a.tolist()}> : {t}", f"%l, %v = nanochat.symmetric_eigen %a : {t}",
                      f"%w = arith.extf %v : {t} to {wide}" if element == "f32" else f"%w = arith.negf %v : {wide}", double("b", a),
                      f"%wb = nanochat.matmul %w, %b : {wide}, {wide}", f"%d = nanochat.matmul %wb, %w transposed : {wide}, {wide}",
                      double("s", np.outer(root, root)), f"%c = arith.mulf %d, %s : {wide}", double("e", np.diag(np.sign(values)))],
             [("%c", "%e", wide)], 2e-3 if element == "f32" else 1e-8)


def cholesky(s):
    x = rng.standard_normal((2 * s + 3, s))
    k = F(x.T @ x)
    t = type_of(k)
    function("cholesky", [define("k", k), define("e", np.linalg.inv(np.linalg.cholesky(k.astype(float)))), f"%x = nanochat.cholesky_inverse %k : {t}"],
             [("%x", "%e", t)], 1e-4)


def q_of_qr(m, s, condition):
    y = F(orthogonal(m, s) * np.logspace(0, -np.log10(condition), s) @ orthogonal(s, s))
    q, r = np.linalg.qr(y.astype(float))
    t, square = type_of(y), f"tensor<{s}x{s}xf32>"
    pairs = [("%i", "%eye", square)] + ([("%q", "%e", t)] if condition < 100 else [])
    function("qr", [define("y", y), define("e", q * np.sign(np.diag(r))), define("eye", np.eye(s)), f"%q = nanochat.orthonormalize %y : {t}",
                    f"%i = nanochat.matmul %q transposed, %q : {t}, {t}"], pairs, 2e-5)


def foam_without_folding_is_adam(m, n):
    w, g = F(rng.standard_normal((m, n))), F(rng.standard_normal((m, n)))
    t = type_of(w)
    tail = f"lr %c weight_decay %c states %g, %v, %c : {t}, {t}, tensor<f32>"
    function("foam", [define("w", w), define("g", g), define("v", g * g), "%c = arith.constant dense<0.5> : tensor<f32>",
                      f"%a:4 = nanochat.adamw %w, %g {tail} : {t}, {t}, tensor<f32>, tensor<f32>",
                      f"%f:4 = nanochat.foam %w, %g {tail} {{level = 0, alpha = 1.0}} : {t}, {t}, tensor<f32>, tensor<f32>"],
             [(f"%a#{i}", f"%f#{i}", t) for i in range(3)], 1e-6)


def galore_of_full_rank_is_descent(m, n):
    """Sgd as the base: P·Pᵀ = I."""
    w, g = F(rng.standard_normal((m, n))), F(rng.standard_normal((m, n)))
    k, t = min(m, n), type_of(w)
    p = f"tensor<{k}x{k}xf32>"
    project = f"%r = nanochat.matmul %g, %p : {t}, {p}" if m > n else f"%r = nanochat.matmul %p transposed, %g : {p}, {t}"
    function("galore", [define("w", w), define("g", g), "%c = arith.constant dense<0.5> : tensor<f32>", "%id = arith.constant dense<7> : tensor<i32>", STREAM,
                        f"%p = nanochat.low_rank_basis %g, %stream, %id, %id : {t} to {p}", project,
                        f"%s = nanochat.sgd %w, %g lr %c weight_decay %c : {t}, {t}, tensor<f32>, tensor<f32>",
                        f'%o:3 = nanochat.galore %w, %r lr %c weight_decay %c states %p, %c : {p}, tensor<f32> {{alpha = 1.0, base = "sgd", rank = {k}}}'
                        f" : {t}, {t}, tensor<f32>, tensor<f32>"], [("%s", "%o#0", t)], 1e-5)


for _ in range(2):
    newton_schulz_is_its_scalar_map(*shape(24))
    m, n = shape()
    basis_spans_and_is_orthonormal(m, n, int(rng.integers(1, min(m, n) + 1)), 1, lambda i: 1 / i)
    basis_spans_and_is_orthonormal(m, n, min(m, n), 1, lambda i: 1 / i)
    foam_without_folding_is_adam(m, n)
    galore_of_full_rank_is_descent(m, n)
basis_spans_and_is_orthonormal(130, 70, 64, 1, lambda i: 1 / i)
basis_spans_and_is_orthonormal(61, 67, 10, 1, lambda i: (i <= 10) * 1.0)
basis_spans_and_is_orthonormal(61, 67, 20, 1, lambda i: (i <= 10) / i**2)
basis_spans_and_is_orthonormal(40, 90, 24, 2, lambda i: 10.0 ** (-i / 10))
basis_spans_and_is_orthonormal(40, 90, 24, 1, lambda i: 0.0 * i)
eigenvectors(int(rng.integers(2, 50)), lambda i: 1.0 / i)
eigenvectors(33, lambda i: (i <= 20) * 1.0)
eigenvectors_of_tiny_eigenvalues(40, "f32")
eigenvectors_of_tiny_eigenvalues(40, "f64")
cholesky(int(rng.integers(2, 50)))
q_of_qr(50, 20, 10)
q_of_qr(90, 33, 1e6)
print("\n".join(functions))
