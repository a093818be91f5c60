"""Multi-token prediction of test/Inputs/mtp.mlir against NumPy in double precision.

mtp.py check PARAMS BATCH GRADS [K] losses and gradients: head k at token t is judged by the target k tokens further on; gradients are of the
                                    K tokens of each sequence that the main head has the highest losses at
mtp.py split PARAMS OUT             OUT: PARAMS with a matrix for each head
mtp.py same GRADS SPLIT             gradients of SPLIT, with a matrix for each head, are those of GRADS
mtp.py golden LOG                   of a table of zeros every word is as likely: ln 97 for each head
"""
import json
import math
import sys

import numpy
import tensor_files

SHARES, SEQ = (0.5, 0.25, 0.125), 8


def softmax(h, table):
    z = h @ table.T
    p = numpy.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def head(h, table, targets, valid, kept):
    """The mean loss over valid targets, and its gradients for h and the table, of the kept tokens: a target counts as much as in the mean of all,
    and what all tokens are averaged over is the kept ones."""
    p = softmax(h, table)
    rows, share = numpy.flatnonzero(valid & kept), len(targets) / valid.sum() / kept.sum()
    dz = numpy.zeros_like(p)
    dz[rows] = p[rows] * share
    dz[rows, targets[rows]] -= share
    rows = numpy.flatnonzero(valid)
    return -numpy.log(p[rows, targets[rows]]).mean(), dz @ table, dz.T @ h


def truth(p, tokens, targets, count):
    e = p["embed"][tokens]
    h = e @ p["trunk"].T
    nll = -numpy.log(softmax(h, p["embed"])[numpy.arange(len(targets)), targets]).reshape(-1, SEQ)
    kept = (numpy.argsort(numpy.argsort(-nll, axis=1, kind="stable"), axis=1) < count).reshape(-1)
    loss, dh, table = head(h, p["embed"], targets, numpy.ones(len(targets), bool), kept)
    found = {"mtp.w": numpy.zeros_like(p["mtp.w"])}
    losses = []
    for k, share in enumerate(SHARES):
        by = k + 1
        place = numpy.arange(len(targets)) % SEQ
        ahead = numpy.roll(targets, -by)
        own, dz, dtable = head(h @ p["mtp.w"][k].T, p["embed"], ahead, place + by < SEQ, kept)
        losses.append(own)
        loss += share * own
        table += share * dtable
        found["mtp.w"][k] = share * dz.T @ h
        dh = dh + share * dz @ p["mtp.w"][k]
    found["trunk"] = dh.T @ e
    numpy.add.at(table, tokens, dh @ p["trunk"])
    return {"loss": loss} | {f"mtp.{k + 1}": x for k, x in enumerate(losses)} | {f"grad.{n}": x for n, x in (found | {"embed": table}).items()}


def check(params, batch, grads, count=SEQ):
    p = {name: x.astype("f8") for name, x in tensor_files.read(params).items()}
    tokens, targets = numpy.fromfile(batch, "<i4").reshape(2, -1)
    found = tensor_files.read(grads)
    errors = {name: numpy.linalg.norm(found[name] - x) / numpy.linalg.norm(x) for name, x in truth(p, tokens, targets, int(count)).items()}
    worst = max(errors, key=errors.get)
    print(f"{len(errors)} values, worst {errors[worst]:.1e} {worst}")
    return errors[worst] < 1e-5


def split(params, out):
    tensors = tensor_files.read(params)
    heads = tensors.pop("mtp.w")
    tensor_files.write(out, tensors | {f"mtp.w.{k + 1}": x for k, x in enumerate(heads)}, {"model": "mtp"})
    return True


def same(grads, joint):
    one, other = tensor_files.read(grads), tensor_files.read(joint)
    other["grad.mtp.w"] = numpy.stack([other.pop(f"grad.mtp.w.{k}") for k in (1, 2, 3)])
    assert one.keys() == other.keys() and "grad.trunk" in one
    return all(numpy.linalg.norm(x - other[name]) <= 1e-6 * numpy.linalg.norm(x) for name, x in one.items())


def golden(log):
    lines = [json.loads(line) for line in open(log)]
    step = next(line for line in lines if "mtp.1" in line)
    wanted = {"loss": 1.875 * math.log(97)} | {f"mtp.{k}": math.log(97) for k in (1, 2, 3)}
    print({name: step[name] for name in wanted})
    return all(abs(step[name] - x) < 1e-5 for name, x in wanted.items())


sys.exit(not {"check": check, "split": split, "same": same, "golden": golden}[sys.argv[1]](*sys.argv[2:]))
