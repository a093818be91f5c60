"""Update ops against formulas.py: 20 steps on random gradients, every parameter on the way within 1e-5. Prints a program for
--nanochat-check-numeric. Usage: agreement.py RULE..."""
import sys

import numpy as np
from formulas import AdamW, AdamW8, Blocks, F, Foam, Galore, Lion, Muon, Muon8
from mlir_text import constant, type_of

STEPS, LR, WD = 20, 0.01, 0.1
CASES = {
    "adamw": [(AdamW, (7, 13), {})],
    "adamw8": [(AdamW8, (3, 17, 8), {}), (AdamW8, (19, 23), {"block": 64}), (AdamW8, (16, 64), {"block": 256})],
    "lion": [(Lion, (5, 9), {})],
    "muon": [(Muon, (2, 12, 8), {}), (Muon, (7, 15), {"nesterov": False})],
    "muon8": [(Muon8, (2, 16, 12), {"block": 64}), (Muon8, (11, 13), {"block": 32})],
    "foam": [(Foam, (6, 16), {}), (Foam, (2, 3, 10), {"level": 2, "variance": "mean_of_squares"}),
             (Foam, (4, 64), {"level": 5}), (Foam, (9,), {"level": 0, "alpha": 1.0})],
    "galore": [(Galore, (2, 8, 20), {"rank": 5}), (Galore, (20, 8), {"rank": 5, "base": "adam8", "block": 32}),
               (Galore, (9, 14), {"rank": 4, "base": "muon"}), (Galore, (9, 14), {"rank": 20, "base": "sgd"})],
}


def attribute(value):
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value} : f64" if isinstance(value, float) else str(value)


def states_of(rule, oracle, shape):
    """Types of the op's states, in order."""
    def coded(blocks):
        return [type_of(blocks.codes, "i8"), type_of(blocks.scales)]

    def of(oracle, shape):
        if isinstance(oracle, AdamW8):
            return coded(oracle.m8) + coded(oracle.v8) + ["tensor<f32>"]
        if isinstance(oracle, Muon8):
            return coded(oracle.m8)
        if isinstance(oracle, (Muon, Lion)):
            return [type_of(oracle.m)]
        return [type_of(oracle.m), type_of(oracle.v), "tensor<f32>"]

    if rule != "galore":
        return of(oracle, shape)
    base = [] if not hasattr(oracle.base, "m") else of(oracle.base, None)
    return [type_of(np.zeros(shape[:-2] + (min(shape[-2:]), oracle.rank)))] + base + (["tensor<f32>"] if "tensor<f32>" not in base else [])


def experiment(rng, make, shape, options):
    """The parameter at first, what each step is given, the oracle and its parameters after each step."""
    oracle = make(shape, **options)
    w0 = F(rng.standard_normal(shape))
    # Rows of very different sizes, and a stretch of zeros: what 8 bits have trouble with.
    scale = 10.0 ** rng.uniform(-4, 0, size=shape[:-1] + (1,)) if len(shape) > 1 else 1.0
    grads = F(rng.standard_normal((STEPS,) + shape) * scale)
    grads[..., :1] = 0
    basis = []
    if make is Galore:
        basis = [F(np.linalg.qr(rng.standard_normal(shape[:-2] + (min(shape[-2:]), oracle.rank)))[0]).astype(float)]
        grads = F(oracle.project(grads.astype(float), *basis))
    w, expected = w0, []
    for g in grads:
        w = oracle.step(w, g, *basis, LR, WD)
        expected.append(w)
    return w0, basis, grads, oracle, expected


def margin(oracle):
    return min([x.margin for x in vars(getattr(oracle, "base", oracle)).values() if isinstance(x, Blocks)], default=1)


def case(number, rule, make, shape, options):
    # Where float32 may round to another 8-bit code than float64, the two part ways: a draw without such a number.
    rng = np.random.default_rng(number)
    w0, basis, grads, oracle, expected = experiment(rng, make, shape, options)
    while margin(oracle) < 1e-6:
        w0, basis, grads, oracle, expected = experiment(rng, make, shape, options)
    types = states_of(rule, oracle, shape)
    names = [f"%s{i}" for i in range(len(types))]
    start = [f"  %z{i} = arith.constant dense<{'0' if 'i8' in t else '0.0'}> : {t}" for i, t in enumerate(types)]
    if rule == "galore":
        start[0] = f"  %z0 = arith.constant {constant(F(basis[0]))} : {types[0]}"
    attrs = " {" + ", ".join(f"{k} = {attribute(v)}" for k, v in options.items()) + "}" if options else ""
    t, gt = type_of(w0), type_of(grads[0])
    carry = ", ".join(f"{n} = %z{i} : {ty}" for i, (n, ty) in enumerate(zip(names, types)))
    news = ", ".join(f"%n#{i + 1}" for i in range(len(types)))
    all_types = ", ".join([t] + types)
    return f"""func.func @{rule}_{number}() -> ({type_of(expected)}, {type_of(expected)}) attributes {{nanochat.tolerance = 1.0e-5 : f64}} {{
  %w = arith.constant {constant(w0)} : {t}
  %g = arith.constant {constant(grads)} : {type_of(grads)}
  %lr = arith.constant dense<{LR}> : tensor<f32>
  %wd = arith.constant dense<{WD}> : tensor<f32>
{chr(10).join(start)}
  %r:{2 + len(types)} = nanochat.loop "steps" = {STEPS} carry(%p = %w : {t}, {carry}) slice(%gi = %g : {type_of(grads)}) {{
    %n:{1 + len(types)} = nanochat.{rule} %p, %gi lr %lr weight_decay %wd states {", ".join(names)} : {", ".join(types)}{attrs}
      : {t}, {gt}, tensor<f32>, tensor<f32>
    nanochat.yield %n#0, {news} : {all_types} stack %n#0 : {t}
  }}
  %e = arith.constant {constant(expected)} : {type_of(expected)}
  return %r#{1 + len(types)}, %e : {type_of(expected)}, {type_of(expected)}
}}"""


for rule in sys.argv[1:] or CASES:
    for number, (make, shape, options) in enumerate(CASES[rule]):
        print(case(number, rule, make, shape, options))
