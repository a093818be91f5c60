"""SOAP and GUM against formulas.py over steps in which their bases are taken and turned. Prints a program for
--nanochat-check-numeric."""
import numpy as np
from formulas import F, Gum, Soap
from mlir_text import constant, type_of

LR, WD = 0.01, 0.1


def chain(name, rule, oracle, shape, steps, attributes, states, grads, tolerance, stream=""):
    rng = np.random.default_rng(7)
    w = w0 = F(rng.standard_normal(shape))
    expected = []
    for g in grads:
        w = oracle.step(w, g, LR, WD)
        expected.append(w)
    types = [f"tensor<{'x'.join(map(str, s + ('f32',)))}>" for s in states]
    names = [f"%s{i}" for i in range(len(states))]
    t = type_of(w0)
    print(f"func.func @{name}() -> ({type_of(expected)}, {type_of(expected)}) attributes {{nanochat.tolerance = {tolerance} : f64}} {{")
    print(f"  %w = arith.constant {constant(w0)} : {t}\n  %g = arith.constant {constant(grads)} : {type_of(grads)}")
    print(f"  %lr = arith.constant dense<{LR}> : tensor<f32>\n  %wd = arith.constant dense<{WD}> : tensor<f32>")
    print("  %stream = arith.constant dense<[0, 0, 1]> : tensor<3xi32>")
    for i, ty in enumerate(types):
        print(f"  %z{i} = arith.constant dense<0.0> : {ty}")
    carry = ", ".join(f"{n} = %z{i} : {ty}" for i, (n, ty) in enumerate(zip(names, types)))
    print(f'  %r:{2 + len(types)} = nanochat.loop "steps" = {steps} carry(%p = %w : {t}, {carry}) slice(%gi = %g : {type_of(grads)}) {{')
    print(f"    %n:{1 + len(types)} = nanochat.{rule} %p, %gi lr %lr weight_decay %wd {stream}states {', '.join(names)} : {', '.join(types)} {attributes}")
    print(f"      : {t}, {t}, tensor<f32>, tensor<f32>")
    print(f"    nanochat.yield {', '.join(f'%n#{i}' for i in range(1 + len(types)))} : {', '.join([t] + types)} stack %n#0 : {t}\n  }}")
    print(f"  %e = arith.constant {constant(expected)} : {type_of(expected)}")
    print(f"  return %r#{1 + len(types)}, %e : {type_of(expected)}, {type_of(expected)}\n}}")


rng = np.random.default_rng(3)
# Square and of full rank, so that no eigenvector is a matter of taste; then one side only.
# A spectrum without close eigenvalues, whose vectors rounding would mix.
scale = np.diag(2.0 ** -np.arange(6))
square = F(np.linalg.qr(rng.standard_normal((6, 6)))[0] @ scale @ (rng.standard_normal((20, 6, 6)) + 3 * np.eye(6)))
side = (6, 6)
chain("soap", "soap", Soap(side, period=4), side, 20, "{period = 4}", [side] * 6 + [()], square, 1e-4)
wide = F(scale @ rng.standard_normal((20, 6, 9)))
chain("soap_left", "soap", Soap((6, 9), period=4, largest=8), (6, 9), 20, "{period = 4, largest = 8}",
      [side, side, (6, 9), (6, 9), ()], wide, 1e-4)
# Matrix 1 draws .358 in period 0 (word 1 of Philox at (0, 1, 1, 0) under seed 0): not picked with q = .02, but with q = .9.
for name, q, shape in [("gum_low", 0.02, (5, 9)), ("gum_rest", 0.9, (9, 5))]:
    grads = F(rng.standard_normal((6,) + shape))
    chain(name, "gum", Gum(shape, 2, q, name == "gum_rest"), shape, 6, f"{{rank = 2, full = {q} : f64}}", [(5, 2), shape, ()], grads, 2e-4, "stream %stream ")
