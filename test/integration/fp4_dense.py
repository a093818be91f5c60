"""The gradients of test/Inputs/fp4-dense.mlir in NumPy against those that a program wrote.

fp4_dense.py PARAMS BATCH GRADS FORMAT
"""
import os
import sys

import numpy as np
import tensor_files

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../ops/fp4"))
import dense_oracle as oracle

# A gradient that is rounded otherwise may have another code now and then, a step away.
TOLERANCE = {"loss": 1e-5, "grad.head": 1e-5, "grad.embed": 1e-2, "grad.a": 1e-2, "grad.b": 1e-2}


def main(params, batch, grads, kind):
    p, found = tensor_files.read(params), tensor_files.read(grads)
    tokens, targets = np.fromfile(batch, "<i4").reshape(2, -1)
    x = p["embed"][tokens]
    h = oracle.forward(x, p["a"], kind)
    z = np.float32(h.astype("f8") @ p["b"].T.astype("f8"))
    logits = z.astype("f8") @ p["head"].T.astype("f8")
    logits -= logits.max(1, keepdims=True)
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    nll = -np.log(probability[np.arange(len(targets)), targets])
    dlogits = probability.copy()
    dlogits[np.arange(len(targets)), targets] -= 1
    dlogits /= len(targets)
    dz = np.float32(dlogits @ p["head"])
    dh = oracle.input_grad(dz, p["b"], kind)
    dx = oracle.input_grad(dh, p["a"], kind, forward_fmt=kind)
    embed = np.zeros_like(p["embed"], "f8")
    np.add.at(embed, tokens, dx)
    truth = {"loss": nll.mean(), "grad.head": dlogits.T @ z, "grad.b": oracle.weight_grad(dz, h, p["b"], kind),
             "grad.a": oracle.weight_grad(dh, x, p["a"], forward_fmt=kind), "grad.embed": embed}
    errors = {name: np.linalg.norm(found[name] - value) / np.linalg.norm(value) for name, value in truth.items()}
    print(" ".join(f"{name}={error:.1e}" for name, error in errors.items()))
    raise SystemExit(not all(error < TOLERANCE[name] for name, error in errors.items()))


main(*sys.argv[1:])
