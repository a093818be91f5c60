"""GPT-2 in PyTorch, in double precision, against what a compiled models/gpt2-124m.mlir wrote.

gpt2_oracle.py perturb INIT PARAMS         PARAMS: INIT with noise on every tensor, so that no bias is 0
gpt2_oracle.py check PARAMS BATCH GRADS SEQ   relative L2 errors of losses and all gradients
"""
import sys

import numpy
import tensor_files
import torch
from torch.nn.functional import cross_entropy, gelu, layer_norm, linear, softmax

HEADS = 12
TOLERANCE = 1e-4


def attention(q, k, v):
    """(B, T, C) each; causal."""
    batch, seq, width = q.shape
    q, k, v = (x.view(batch, seq, HEADS, width // HEADS).transpose(1, 2) for x in (q, k, v))
    scores = q @ k.transpose(2, 3) / (width // HEADS) ** 0.5
    future = torch.ones(seq, seq, dtype=torch.bool).triu(1)
    y = softmax(scores.masked_fill(future, float("-inf")), dim=-1) @ v
    return y.transpose(1, 2).reshape(batch, seq, width)


def token_losses(p, tokens, targets):
    width = p["embed"].shape[1]
    x = p["embed"][tokens] + p["position"][: tokens.shape[1]]
    for i in range(p["layers.q"].shape[0]):
        def norm(h, name):
            return layer_norm(h, (width,), p[f"layers.{name}.gain"][i], p[f"layers.{name}.bias"][i], 1e-5)

        def dense(h, name):
            return linear(h, p[f"layers.{name}"][i], p[f"layers.{name}.bias"][i])

        a = norm(x, "norm1")
        x = x + dense(attention(dense(a, "q"), dense(a, "k"), dense(a, "v")), "o")
        x = x + dense(gelu(dense(norm(x, "norm2"), "up"), approximate="tanh"), "down")
    h = layer_norm(x, (width,), p["norm.gain"], p["norm.bias"], 1e-5)
    return cross_entropy((h @ p["embed"].T).flatten(0, 1), targets.flatten(), reduction="none")


def perturb(init, out):
    random = numpy.random.default_rng(11)
    tensors = {name: x + random.normal(0, 0.02, x.shape).astype("f4") for name, x in tensor_files.read(init).items()}
    tensor_files.write(out, tensors, {"model": "gpt2_124m"})


def check(params, batch, grads, seq):
    p = {name: torch.tensor(x, dtype=torch.float64, requires_grad=True) for name, x in tensor_files.read(params).items()}
    tokens, targets = torch.tensor(numpy.fromfile(batch, "<i4").astype("i8")).view(2, -1, int(seq))
    nll = token_losses(p, tokens, targets)
    nll.mean().backward()
    truth = {"loss": nll.mean().detach(), "nll": nll.detach()}
    truth |= {f"grad.{name}": x.grad for name, x in p.items()}
    scale = {name: x.norm() for name, x in truth.items()}
    # What a bias adds to all keys, softmax takes away: that gradient is 0, and only rounding shows.
    scale["grad.layers.k.bias"] = scale["grad.layers.q.bias"]
    found = tensor_files.read(grads)
    found.pop("grad_norm")
    assert found.keys() == truth.keys(), sorted(found.keys() ^ truth.keys())
    errors = {name: float((torch.tensor(found[name]) - truth[name]).norm() / scale[name]) for name in truth}
    for name in sorted(errors, key=errors.get, reverse=True):
        print(f"{errors[name]:.2e} {name}")
    print(f"loss {float(truth['loss']):.6f}, {len(errors)} tensors, worst {max(errors.values()):.2e}")
    return all(error <= TOLERANCE for error in errors.values())


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "perturb":
        perturb(*arguments)
    elif not check(*arguments):
        sys.exit(f"errors above {TOLERANCE}")
