"""Gradients of test/Inputs/collider.mlir, of whose tokens the objective keeps some, against NumPy in double precision.

collider.py check PARAMS BATCH GRADS K [VARIANT]    loss, metrics and gradients, of which K tokens of each sequence are kept;
                                                    a variant has wrong gradients, which a check must tell from right ones:
                                                    open: keys and values of dropped tokens are differentiated too
                                                    blind: scores of queries with keys of dropped tokens are not differentiated
                                                    masked: means over the kept tokens divide by the number of all tokens
"""
import sys

import numpy
import tensor_files

SEQ, LOOPS, HEADS, THETA, BETA = 12, 2, 2, 1e4, 0.1
STEP = 2e-5  # of five-point differences: balances truncation, of order STEP^4 (the model may bend sharply), and rounding, of order 1 / STEP


# Each parameter and activation has a leading axis of the points at which the loss is evaluated, 1 if it is the same at all.


def rms_norm(x, g):
    return x / numpy.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * g[:, None]


def linear(x, w):
    return x @ w.swapaxes(-1, -2)


def heads_of(x, head):
    """[points, rows, heads * head] as [points, batch, heads, seq, head]."""
    return x.reshape(len(x), -1, SEQ, x.shape[-1] // head, head).swapaxes(2, 3)


def rope(x):
    half = x.shape[-1] // 2
    angle = numpy.arange(SEQ)[:, None] * THETA ** (-numpy.arange(half) / half)
    c, s, one, other = numpy.cos(angle), numpy.sin(angle), x[..., :half], x[..., half:]
    return numpy.concatenate([one * c - other * s, other * c + one * s], -1)


def attention(q, k, v, head, hold):
    q, k, v = rope(heads_of(q, head)), hold("keys", rope(heads_of(k, head))), hold("values", heads_of(v, head))
    k, v = (numpy.repeat(x, q.shape[2] // x.shape[2], axis=2) for x in (k, v))
    scores = hold("scores", linear(q, k) / numpy.sqrt(head))
    scores = numpy.where(numpy.tri(SEQ, dtype=bool), scores, -numpy.inf)
    weights = numpy.exp(scores - scores.max(-1, keepdims=True))
    y = weights / weights.sum(-1, keepdims=True) @ v
    return y.swapaxes(2, 3).reshape(len(y), -1, q.shape[2] * head)


def layer(x, p, i, hold):
    n1, wq, wk, wv, wo, n2, wg, wu, wd = (p[f"layers.{name}"][:, i] for name in "norm1 q k v o norm2 gate up down".split())
    a = rms_norm(x, n1)
    x = x + linear(attention(linear(a, wq), linear(a, wk), linear(a, wv), wq.shape[1] // HEADS, hold), wo)
    b = rms_norm(x, n2)
    g = linear(b, wg)
    return x + linear(g / (1 + numpy.exp(-g)) * linear(b, wu), wd)


def forward(p, tokens, targets, hold):
    """[points, loops, rows] each: the loss that a row adds, its nll and its exit probability; hold may replace some activations."""
    h, survival, steps = p["embed"][:, tokens], 0, []
    for loop in range(LOOPS):
        for i in range(p["layers.q"].shape[1]):
            h = layer(h, p, i, hold)
        h = rms_norm(h, p["norm"])
        z = (h * p["exit.w"][:, None]).sum(-1) + p["exit.b"]
        log_p = survival - numpy.logaddexp(0, -z) if loop < LOOPS - 1 else survival
        survival = survival - numpy.logaddexp(0, z)
        logits = linear(h, p["embed"])
        logits = logits - logits.max(-1, keepdims=True)
        nll = numpy.log(numpy.exp(logits).sum(-1)) - logits[:, numpy.arange(len(targets)), targets]
        exit_p = numpy.exp(log_p)
        steps.append(numpy.broadcast_arrays(exit_p * nll + BETA * exit_p * log_p, nll, exit_p))
    return [numpy.stack(x, 1) for x in zip(*steps)]


def kept_of(nll, k):
    """A row is kept if it is among the k of its sequence with the highest nll in the last loop; of equal ones the first are."""
    order = numpy.argsort(-nll[-1].reshape(-1, SEQ), axis=1, kind="stable")
    kept = numpy.zeros(order.shape, bool)
    numpy.put_along_axis(kept, order[:, :k], True, axis=1)
    return kept


def truth(p, tokens, targets, k, variant=None):
    assert variant in (None, "open", "blind", "masked")
    tape = []
    rows, nll, exit_p = (x[0] for x in forward(p, tokens, targets, lambda what, x: tape.append(x) or x))
    kept = kept_of(nll, k)
    # Stop-gradients as a function: what is held has, at any parameters, the value that it has at the given ones. Scores may be held
    # for all queries: dropped ones do not reach the loss, since nothing but their own rows depends on them.
    held = {"keys": ~kept[:, None, :, None] & (variant != "open"), "scores": ~kept[:, None, None] & (variant == "blind")}
    held["values"] = held["keys"]
    count = kept.size if variant == "masked" else kept.sum()

    def objective(p):
        then = iter(tape)
        each = forward(p, tokens, targets, lambda what, x: numpy.where(held[what], next(then), x))[0]
        return each.sum(1)[:, kept.ravel()].sum(1) / count

    found = {"loss": rows.sum(0).mean(), "nll": nll, "exit_probability": exit_p}
    for name, x in p.items():
        step = STEP * numpy.eye(x.size).reshape(-1, *x.shape[1:])
        by = {i: objective(p | {name: x + i * step}) for i in (-2, -1, 1, 2)}
        found[f"grad.{name}"] = ((8 * (by[1] - by[-1]) - (by[2] - by[-2])) / (12 * STEP)).reshape(x.shape[1:])
    return found


def load(params, batch):
    p = {name: x.astype("f8")[None] for name, x in tensor_files.read(params).items()}
    return p, *numpy.fromfile(batch, "<i4").reshape(2, -1)


def check(params, batch, grads, k, variant=None):
    found = tensor_files.read(grads)
    wanted = {n: x for n, x in truth(*load(params, batch), int(k), variant).items() if n in found or n.startswith(("loss", "grad."))}
    errors = {n: numpy.linalg.norm(found[n].reshape(x.shape) - x) / numpy.linalg.norm(x) for n, x in wanted.items()}
    worst = list(errors)[numpy.argmax(list(errors.values()))]  # a NaN, if there is one
    print(f"{len(errors)} values, worst {errors[worst]:.1e} {worst}")
    return errors[worst] < 1e-5


sys.exit(not {"check": check}[sys.argv[1]](*sys.argv[2:]))
