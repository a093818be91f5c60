"""train-ranks.py OPT MODEL ODD LAYERS FOLDER: programs for several ranks train to the same bits for any number of them, over any transport, with overlap and
without, whoever owns the parameters; and to what one rank's program does but for the order of sums."""
import json
import os
import signal
import subprocess
import sys
import time

opt, model, odd, layers, folder = sys.argv[1:]
steps = 4


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def compile_for(name, *options, of=model):
    run(opt, of, "--target=native", "--emit=exe", "-o", f"{folder}/{name}", "--set", "batch=12", *options)
    return f"{folder}/{name}"


def train(name, program, *options):
    """The log and the parameters that a run ends with."""
    out = f"{folder}/{name}"
    text = run(program, "train", "--copy-task", f"--steps={steps}", "--eval-every=3", "--eval-batches=3", "--threads=1", "--count-allocations",
               "--log", f"{out}.jsonl", "--save", f"{out}.safetensors", *options)
    assert "allocations in steps: 0\n" in text, text
    rows = [json.loads(line) for line in open(f"{out}.jsonl")]
    for row in rows:
        row.pop("tok_s", None), row.pop("mfu", None)
    return rows, open(f"{out}.safetensors", "rb").read(), text


def check_same(name, found, wanted):
    assert found[0] == wanted[0], (name, found[0], wanted[0])
    assert found[1] == wanted[1], f"{name}: other parameters"


one = train("one", compile_for("one.exe"))
six = train("six-of-1", compile_for("six-of-1.exe", "--ways=6"))
assert len(one[0]) == len(six[0]) == steps + 2  # evaluations after steps 3 and 4
for a, b in zip(one[0], six[0]):
    for key in a if "loss" in a else ():  # evaluations are of batches of a way, other rows
        assert key in b and abs(a[key] - b[key]) <= 2e-3 * max(1e-3, abs(a[key])), (key, a, b)
assert all(abs(one[0][0][key] - six[0][0][key]) <= 2e-6 * one[0][0][key] for key in ("loss", "grad_norm")), (one[0][0], six[0][0])
for ranks, comm in ((2, "shm"), (3, "tcp"), (6, "auto")):
    program = compile_for(f"six-of-{ranks}.exe", "--ways=6", f"--ranks={ranks}")
    check_same(ranks, train(f"six-of-{ranks}", program, f"--ranks={ranks}", f"--comm={comm}"), six)
check_same("overlap", train("off", compile_for("off.exe", "--ranks=6", "--overlap=off"), "--ranks=6"), six)
for shard, ranks, *more in (("states", 2), ("states", 6), ("weights", 2), ("weights", 3), ("weights", 6, "--overlap=off")):
    program = compile_for(f"{shard}-{ranks}.exe", "--ways=6", f"--ranks={ranks}", f"--shard={shard}", *more)
    check_same(f"{shard} {ranks}", train(f"{shard}-{ranks}", program, f"--ranks={ranks}"), six)

# Layers that nothing divides, more and fewer than there are ranks, read by loops of one order and the other, by micro-batches and ways.
for count, sizes in ((7, "batch=12"), (3, "batch=6,accum=2,d=197,ffn=199")):
    sizes = ("--ways=6", "--set", f"layers={count},{sizes}")
    alone = train(f"layers-{count}", compile_for(f"layers-{count}.exe", *sizes, of=layers))
    for ranks, comm, *more in ((2, "shm"), (3, "tcp"), (3, "shm", "--overlap=off"), (6, "auto")):
        program = compile_for("layers.exe", f"--ranks={ranks}", "--shard=weights", *sizes, *more, of=layers)
        check_same(f"{count} layers on {ranks}, {more}", train("layers", program, f"--ranks={ranks}", f"--comm={comm}"), alone)

# Gradients of odd kinds, draws, micro-batches and bases: one rank of two ways, and two ranks.
for name, options, source in (("odd", (), odd), ("drawn", ("--backward=int8", "--rounding=stochastic", "--set", "batch=3,accum=4"), model)):
    alone = train(f"{name}-1", compile_for(f"{name}-1.exe", "--ways=2", *options, of=source))
    for shard in ("none", "states", "weights"):
        program = compile_for(f"{name}-{shard}.exe", "--ranks=2", f"--shard={shard}", *options, of=source)
        check_same(f"{name} {shard}", train(f"{name}-{shard}", program, "--ranks=2"), alone)
galore = "--optimizer=matrix=galore:rank=16:clip=projected:period=2"
whole, *shared = (train(f"galore-{shard}", compile_for(f"galore-{shard}.exe", "--ranks=2", f"--shard={shard}", galore), "--ranks=2") for shard in ("none", "states", "weights"))
for run_of in shared:
    check_same("galore", run_of, whole)

# What is sent is what the plan says.
for shard in ("none", "states", "weights"):
    plan = json.loads(run(opt, model, "--target=native", "--set", "batch=12", "--ranks=2", f"--shard={shard}", "--plan=json"))
    program = compile_for(f"two-{shard}.exe", "--ranks=2", f"--shard={shard}")
    text = train(f"two-{shard}", program, "--ranks=2", "--count-bytes")[2]
    assert f"bytes sent per step: {plan['communication']['bytes_sent_per_step']}\n" in text, (text, plan["communication"])

# A rank that dies ends the other, which says so; a signal to any rank ends all after the same step, and what they reached is saved.
for number, shard, code, words in ((signal.SIGKILL, "states", 137, "rank 1 (host "), (signal.SIGTERM, "weights", 0, "")):
    log = f"{folder}/{number}.jsonl"
    both = subprocess.Popen([f"{folder}/two-{shard}.exe", "train", "--copy-task", "--steps=1000000", "--eval-every=0", "--threads=1", "--ranks=2", "--log", log,
                             "--checkpoints", f"{folder}/{number}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not os.path.exists(log) or len(open(log).readlines()) < 3:
        assert both.poll() is None, both.communicate()
        time.sleep(0.05)
    os.kill(int(open(f"/proc/{both.pid}/task/{both.pid}/children").read().split()[1]), number)
    out, err = both.communicate(timeout=120)
    assert both.returncode == code and words in err, (both.returncode, out, err)
    saved = [name for name in os.listdir(f"{folder}/{number}") if name.startswith("step-")]
    assert len(saved) == (number == signal.SIGTERM), saved
# One rank of another program goes on from there.
run(f"{folder}/one.exe", "train", "--copy-task", f"--steps={int(saved[0][5:]) + 1}", "--eval-every=0", "--resume", f"{folder}/{number}/{saved[0]}")
