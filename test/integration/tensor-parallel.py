"""tensor-parallel.py OPT MODELS INPUTS FOLDER: what ranks compute together is what one computes. Forward passes of ternary layers are its bits; gradients, which states of optimizers hold
after a step, differ by 1e-5 at most where they are floats, and in 16 bits by no more than two roundings do."""
import array
import json
import math
import re
import subprocess
import sys

from stored_tensors import stored

opt, models, inputs, folder = sys.argv[1:]


def run(*command, code=0):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == code, (command, done.stdout, done.stderr)
    return done.stdout + done.stderr


def write(name, text):
    with open(f"{folder}/{name}.mlir", "w") as file:
        file.write(text)
    return f"{folder}/{name}.mlir"


def train(name, source, *options, ranks=1, steps=1):
    """The log of a run, what it leaves, and what it prints."""
    out = f"{folder}/{name}"
    run(opt, source, "--target=native", "--emit=exe", "-o", f"{out}.exe", *options)
    text = run(f"{out}.exe", "train", "--copy-task", f"--steps={steps}", "--eval-every=1", "--eval-batches=3", "--threads=1", "--count-bytes", "--count-allocations",
               "--seed=3", "--log", f"{out}.jsonl", "--checkpoints", f"{out}.states", *([f"--ranks={ranks}"] if ranks > 1 else []))
    assert "allocations in steps: 0\n" in text, text
    rows = [json.loads(line) for line in open(f"{out}.jsonl")]
    return rows, stored(f"{out}.states/step-{steps:08}/model.safetensors") | stored(f"{out}.states/step-{steps:08}/optimizer.safetensors"), text


def numbers(tensor):
    return array.array({"F32": "f", "F64": "d"}[tensor[0]], tensor[2])


def norm(values):
    return math.sqrt(sum(value * value for value in values))


def distance(one, other, least=0):
    """Relative to `other`, or to `least`: the gradients of biases of keys are zeros but for rounding."""
    x, y = numbers(one), numbers(other)
    return norm(a - b for a, b in zip(x, y)) / max(norm(y), least)


def check_close(name, found, wanted, tolerance=1e-5, floats=None):
    """First moments of gradients, and the numbers of the log; twice what rounding to 16 bits makes of those of `floats`, where these are given."""
    assert found[1].keys() == wanted[1].keys()
    moments = [key for key in wanted[1] if re.search(r"(momentum|\.m)$", key)]
    assert len(moments) >= len(wanted[1]) // 4, list(wanted[1])
    least = 1e-4 * max(norm(numbers(wanted[1][key])) for key in moments)
    for key in moments:
        most = max(tolerance, 2 * distance(wanted[1][key], floats[1][key])) if floats else tolerance
        far = distance(found[1][key], wanted[1][key], least)
        assert far <= most, (name, key, far, most)
    for a, b in zip(found[0], wanted[0], strict=True):
        for key in ("loss", "grad_norm", "val_loss"):
            assert (key in a) == (key in b) and abs(a.get(key, 0) - b.get(key, 0)) <= tolerance * abs(b.get(key, 0)), (name, key, a, b)


# Exits depend on what every token becomes in every loop: their mean depth is the same number only where all codes are.
looplm = re.sub(r'("exit.w") constant\(0.0\)', r"\1 normal(0.5)", open(f"{models}/looplm.mlir").read())
looplm = write("looplm", looplm)
small = ("--set", "d=128,heads=8,head=16,ffn=176,layers=2,n_loops=3,vocab=251,seq=32,batch=4", "--backward=f32")
one = train("one", looplm, *small)
for tensor in (2, 4, 8):
    together = train(f"tensor-{tensor}", looplm, *small, f"--tensor={tensor}", ranks=tensor)
    check_close(tensor, together, one)
    assert together[0][0]["exit_depth"] == one[0][0]["exit_depth"], (together[0][0], one[0][0])
    plan = json.loads(run(opt, looplm, "--target=native", *small, f"--tensor={tensor}", "--plan=json"))
    assert f"bytes sent per step: {plan['communication']['bytes_sent_per_step']}\n" in together[2], (together[2], plan["communication"])

# Groups with batches of their own; several ways of a group, micro-batches, and gradients in 16 bits and in bytes.
check_close("two groups", train("2x2", looplm, *small, "--ranks=4", "--tensor=2", ranks=4), train("2", looplm, *small, "--ranks=2", ranks=2))
check_close("ways", train("ways-2", looplm, *small, "--ways=2", "--tensor=2", ranks=2), train("ways", looplm, *small, "--ways=2"))
check_close("accum", train("accum-2", looplm, *small, "--set", "batch=2,accum=2", "--tensor=2", ranks=2), train("accum", looplm, *small, "--set", "batch=2,accum=2"))
narrow = train("int16", looplm, *small[:2], "--backward=int16")
for options in (), ("--codes=use",):
    together = train(f"int16-2{''.join(options)}", looplm, *small[:2], "--backward=int16", "--tensor=2", *options, ranks=2)
    check_close("int16", together, narrow, floats=one)
    assert together[0][0]["exit_depth"] == narrow[0][0]["exit_depth"], (together[0][0], narrow[0][0])
check_close("bytes", train("int8-2", looplm, *small, "--head=int8", "--rounding=nearest", "--tensor=2", ranks=2), train("int8", looplm, *small, "--head=int8", "--rounding=nearest"), 2e-2)

# Dense linears with biases, and heads that share keys and values.
gpt = open(f"{models}/gpt2-124m.mlir").read()
for size, smaller in (("50257", "257"), ("3072", "96"), ("4096", "64"), ("1024", "16"), ("768", "32"), ("tensor<12x", "tensor<2x"), ('"layers" = 12', '"layers" = 2'),
                      ("heads = 12", "heads = 4")):
    gpt = gpt.replace(size, smaller)
gpt = write("gpt", gpt)
check_close("gpt", train("gpt-4", gpt, "--tensor=4", ranks=4), train("gpt-1", gpt))
shared = write("shared", open(f"{inputs}/shared-kv.mlir").read().replace('"sgd"', '"adamw"'))
check_close("shared", train("shared-2", shared, "--backward=f32", "--tensor=2", ranks=2), train("shared-1", shared, "--backward=f32"))

# What cannot be.
for options, words in ((("--tensor=3",), "--tensor=3 is no such number of ranks"), (("--tensor=4", "--ranks=6"), "--tensor=4 does not divide --ranks=6"),
                       (("--tensor=4", "--set", "heads=6,d=96,head=16"), "has 6 heads, 6 of keys and values, which --tensor=4 does not divide"),
                       (("--tensor=8", "--set", "ffn=100"), "has 100 outputs, which --tensor=8 does not divide"),
                       (("--tensor=2", "--set", "group=16"), "is of weights scaled in groups, which --tensor=2 does not cut"),
                       (("--tensor=2", "--shard=states"), "--shard=states and --tensor exclude each other")):
    text = run(opt, looplm, "--target=native", *small, *options, "--plan", code=2)
    assert words in text and "note: " in text, text
text = run(opt, shared, "--target=native", "--tensor=4", "--plan", code=2)
assert "has 4 heads, 2 of keys and values, which --tensor=4 does not divide" in text and "choose --tensor=2" in text, text
text = run(f"{folder}/tensor-2.exe", "train", "--copy-task", "--steps=1", code=2)
assert "the program is for 2 ranks, 1 was started" in text, text
# One process evaluates with such a program.
evaluations = [run(f"{folder}/{name}.exe", "eval", "--copy-task", "--init", f"{folder}/one.states/step-00000001", "--batches=2") for name in ("one", "tensor-2")]
assert evaluations[0] == evaluations[1] and "loss" in evaluations[0], evaluations
