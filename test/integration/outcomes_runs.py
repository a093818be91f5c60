"""What becomes of what a run saves and logs: the second part of the table of outcomes.py. Usage: outcomes_runs.py FOLDER PROGRAM"""
import os
import shutil
import signal
import struct
import subprocess
import sys
import time

from outcome_tools import INSIDE, TRAIN, can_mount, change, claim, command, enter, finish, row, steps

folder, program = sys.argv[1:]
enter(folder)
DATA = ["--data", "text.rs"]


def run(arguments, **more):
    return command([program, *TRAIN, *DATA, *arguments], **more)


def rows(log):
    """A log without what differs between equal runs."""
    with open(log) as file:
        return [line.split(', "tok_s"')[0] for line in file]


def fresh(*names):
    for name in names:
        shutil.rmtree(name, ignore_errors=True) if os.path.isdir(name) else os.path.exists(name) and os.remove(name)


# Retention
SAVE = ["--checkpoints", "c", "--save-every", "4"]
run([*SAVE, "--steps", "12", "--keep-last", "5"], check=True)
row("another run in its folder", run([*SAVE, "--steps", "8", "--seed", "9"]), 2, "holds checkpoints of another run, up to step 12")
row("... also one that begins with --init", run([*SAVE, "--steps", "8", "--init", "c/step-00000004"]), 2, "of another run")
row("... or goes on from elsewhere", (shutil.copytree("c", "copy"), run([*SAVE, "--steps", "16", "--resume", "copy/step-00000012"]))[1], 2, "of another run")
row("resumed from an older checkpoint", run([*SAVE, "--steps", "16", "--resume", "c/step-00000004"]), 2, "holds later checkpoints")
claim("... and all that was there is there", steps("c") == [4, 8, 12], str(steps("c")))
row("goes on into a new folder", run(["--checkpoints", "new", "--steps", "12", "--resume", "c/step-00000012"]), 0, "12 steps are done")
claim("... where its checkpoint is", steps("new") == [12], str(steps("new")))
shutil.copytree("c/step-00000004", "c/step-00000012.bak")
shutil.copytree("c/step-00000004", "c/step-4")
os.makedirs("c/step-old/notes")
os.makedirs("c/step-00000099")
row("folders that are no checkpoints", run([*SAVE, "--steps", "16", "--keep-last", "1", "--resume", "auto"]), 0, "'c/step-00000012': 12 steps are done")
left = sorted(os.listdir("c"))
claim("... are not touched", left == [".lock", "step-00000012.bak", "step-00000016", "step-00000099", "step-4", "step-old"], str(left))
row("a folder where a checkpoint should go", (os.makedirs("c/step-00000020/mine"), run([*SAVE, "--steps", "20", "--resume", "auto"]))[1], 2, "'c/step-00000020' has the name of a checkpoint and is none")
claim("... is not touched", os.path.isdir("c/step-00000020/mine"), "c/step-00000020/mine")
os.makedirs("mine/step-00000009")
with open("mine/step-00000009/manifest.json", "w") as file:
    file.write('{"format": "of another program"}')
row("another program's checkpoints alone", run(["--checkpoints", "mine", "--steps", "2", "--resume", "auto"]), 0, "step 2/2")

# All damaged
fresh("c", "r.jsonl")
run([*SAVE, "--steps", "8", "--log", "r.jsonl"], check=True)
before = open("r.jsonl").read()
for step in steps("c"):
    change(f"c/step-{step:08}/model.safetensors", lambda content: content + b"X")
row("every checkpoint damaged, --resume auto", run([*SAVE, "--steps", "12", "--log", "r.jsonl", "--resume", "auto"]), 2, "none can be resumed")
claim("... with log and checkpoints as they were", open("r.jsonl").read() == before and steps("c") == [4, 8], str(steps("c")))

# Scalars
for flag, name in [("--lr", "lr"), ("--weight-decay", "weight_decay"), ("--scalar", "lr")]:
    value = ["--scalar", "lr=0.37"] if flag == "--scalar" else [flag, "0.37"]
    fresh("c")
    run([*SAVE, "--steps", "4", "--schedule-steps", "8", *value, "--log", "parts.jsonl"], check=True)
    row(f"resumed without {flag}", run([*SAVE, "--steps", "8", "--resume", "auto", "--log", "parts.jsonl"]), 0, f"{name} = 0.37")
    run(["--steps", "8", *value, "--log", "whole.jsonl"], check=True)
    claim("... goes on as if it had not stopped", rows("parts.jsonl") == rows("whole.jsonl"), f"{len(rows('whole.jsonl'))} equal rows")
row("resumed with another --schedule-steps", run([*SAVE, "--steps", "8", "--resume", "auto", "--schedule-steps", "80"]), 0, "another --schedule-steps: 80, was 8")
row("resumed with another --lr", run([*SAVE, "--steps", "12", "--resume", "auto", "--lr", "0.5"]), 0, "another scalar 'lr': 0.5, was 0.37")
fresh("c")
run([*SAVE, "--steps", "4"], check=True)
row("resumed with --lr, begun without", run([*SAVE, "--steps", "8", "--resume", "auto", "--lr", "0.5"]), 0, "another scalar 'lr': 0.5, was")

fresh("c")
run([*SAVE, "--steps", "4", "--schedule-steps", "8", "--seed", "3", "--at", "6:lr=0.2"], check=True)
row("resumed without --seed and --at", run([*SAVE, "--steps", "8", "--resume", "auto", "--log", "parts.jsonl"]), 0, "seed 3")
claim("... of which nothing is forgotten", '"phase": "lr=0.2"' in open("parts.jsonl").read(), "phase lr=0.2")
fresh("c")
run([*SAVE, "--steps", "8"], check=True)
shutil.rmtree("c/step-00000008")
row("resumed without --steps", run([*SAVE, "--resume", "auto"]), 0, "step 8/8")

# Numbers that are not finite
fresh("c")
HUGE = ["--lr", "3e38", "--weight-decay", "3e38"]
row("parameters are not finite: --save", run(["--steps", "1", *HUGE, "--save", "m.safetensors"]), 1, "is not a finite number, so nothing is saved")
claim("... writes nothing", not os.path.exists("m.safetensors"), "no m.safetensors")
overflow = ["--at", "5:lr=3e38", "--at", "5:weight_decay=3e38", "--checkpoints", "c", "--save-every", "2", "--keep-last", "1"]
row("... a checkpoint", run(["--steps", "10", *overflow]), 1, "step 6: parameter")
claim("... leaves the last good one", steps("c") == [4], str(steps("c")))
run(["--steps", "1", "--save", "bad.safetensors"], check=True)
size = os.path.getsize("bad.safetensors")
change("bad.safetensors", lambda content: content[:-4] + b"\0\0\xc0\x7f")
for what, arguments in [("eval", ["eval", "--init", "bad.safetensors", *DATA]), ("generate", ["generate", "--init", "bad.safetensors"]),
                        ("train --init", [*TRAIN, *DATA, "--steps", "1", "--init", "bad.safetensors"])]:
    row(f"a model with a NaN: {what}", command([program, *arguments]), 2, "is not a finite number")

row("evaluated after an update that overflows", command([program, "train", *DATA, "--threads", "2", "--steps", "1", "--eval-every", "1", *HUGE]), 1, "is not a finite number")
# 1e30 is finite, and so large that what it is multiplied by is not.
change("bad.safetensors", lambda content: content[:8 + int.from_bytes(content[:8], "little")] + struct.pack("<f", 1e30) * ((size - 8 - int.from_bytes(content[:8], "little")) // 4))
for what, arguments in [("eval", ["eval", "--init", "bad.safetensors", *DATA]), ("generate", ["generate", "--init", "bad.safetensors"])]:
    row(f"a model that is finite and too large: {what}", command([program, *arguments]), 1, "finite")

# Two processes
first = subprocess.Popen([program, *TRAIN, *DATA, "--steps", "100000000", "--checkpoints", "two", "--log", "two.jsonl"], stdout=subprocess.DEVNULL)
while not (os.path.exists("two.jsonl") and os.path.getsize("two.jsonl")):
    time.sleep(0.01)
row("a second run in the folder of checkpoints", run(["--checkpoints", "./two/", "--steps", "1"]), 2, "another process trains in './two/'")
row("a second run with the same log", run(["--log", "two.jsonl", "--steps", "1"]), 2, "another process writes 'two.jsonl'")
row("... as what the terminal shows", run(["--log-file", "two.jsonl", "--steps", "1"]), 2, "another process writes 'two.jsonl'")
shutil.rmtree("two")
first.send_signal(signal.SIGUSR1)
while not os.path.exists("two") or not steps("two"):
    time.sleep(0.01)
claim("the folder vanished, then SIGUSR1", first.poll() is None, "is made again, and the run goes on")
first.kill()
first.wait()
row("... and is free once the process is killed", run(["--checkpoints", "two", "--log", "two.jsonl", "--resume", "auto", "--steps", str(steps("two")[-1] + 1)]), 0, "steps are done")

# The folder is moved away and made anew by another run
first = subprocess.Popen([program, *TRAIN, *DATA, "--steps", "100000000", "--checkpoints", "moved", "--save", "moved.safetensors"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
first.stdout.readline()
time.sleep(0.2)
os.rename("moved", "moved.before")
run(["--checkpoints", "moved", "--steps", "8", "--seed", "5", "--save-every", "4"], check=True)
first.send_signal(signal.SIGUSR1)
time.sleep(0.3)
alive = first.poll() is None
first.send_signal(signal.SIGTERM)
said = first.communicate()[1]
claim("the folder is another run's now", alive and "is no longer the folder" in said and first.returncode == 1, said.strip()[:100])
claim("... whose checkpoints are all there", steps("moved") == [4, 8] and os.path.exists("moved.safetensors"), str(steps("moved")))
fresh("c")
os.makedirs("c")
first = subprocess.Popen([program, *TRAIN, *DATA, "--steps", "100000000", "--checkpoints", "c/d"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
first.stdout.readline()
time.sleep(0.2)
os.rename("c/d", "c/e")
os.symlink("d", "c/d")
first.send_signal(signal.SIGUSR1)
time.sleep(0.3)
claim("the folder is a link to itself now", first.poll() is None, "and the run goes on")
os.remove("c/d")
first.send_signal(signal.SIGTERM)
first.communicate()
claim("... until there is a place to save to again", first.returncode == 0 and len(steps("c/d")) == 1, str(first.returncode))

# Signals
for name in ["HUP", "TERM", "INT", "XCPU"]:
    fresh("c")
    process = subprocess.Popen([program, *TRAIN, *DATA, "--steps", "100000000", "--checkpoints", "c"], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(getattr(signal, "SIG" + name))
    process.communicate()
    claim(f"SIG{name}", process.returncode == 0 and len(steps("c")) == 1, "saves and ends well")
fresh("c")
process = subprocess.Popen(["nohup", program, *TRAIN, *DATA, "--steps", "1000", "--checkpoints", "c"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
time.sleep(0.2)
process.send_signal(signal.SIGHUP)
process.communicate()
claim("SIGHUP under nohup", steps("c") == [1000], "is ignored")
fresh("c")
result = command(["bash", "-c", f"set -o pipefail; {program} {' '.join(TRAIN)} --data text.rs --steps 3000 --checkpoints c | head -1"])
row("the reader of standard output goes away", result, 0, "the run goes on")
claim("... a checkpoint is saved then, and at the end", len(steps("c")) == 2 and steps("c")[-1] == 3000, str(steps("c")))

# Disks
if can_mount():
    script = f"""mount -t tmpfs -o size=16k x /mnt && {program} {' '.join(TRAIN)} --data text.rs --steps 2000 %s --checkpoints %s --save-every 1000"""
    for flag in ["--log", "--log-file", "--tensorboard"]:
        fresh("c")
        more = "; head -c 100000 /dev/zero >/mnt/filler" if flag != "--log" else ""
        text = script.replace("x /mnt &&", f"x /mnt{more};") % (f"{flag} /mnt/l", "c")
        row(f"disk of {flag} full", command([*INSIDE, text]), 1, "No space left on device")
        claim("... and the run goes on", steps("c") == [1000, 2000], str(steps("c")))
    fresh("c")
    text = f"""mkdir c && mount -t tmpfs -o size=60k x c && {program} {' '.join(TRAIN)} --data text.rs --steps 3000 --checkpoints c --save-every 1000 --save m.safetensors; code=$?; ls c; exit $code"""
    result = command([*INSIDE, text])
    row("disk of checkpoints full from the start", result, 1, "the run goes on and tries again")
    claim("... the model is saved all the same", os.path.exists("m.safetensors"), "m.safetensors")

# Outputs over inputs
for what, arguments in [("--log over the text", ["--log", "text.rs"]), ("--save over the text", ["--save", "./text.rs"]),
                        ("--log-file over --init", ["--init", "good.safetensors", "--log-file", "good.safetensors"]),
                        ("--save over --init", ["--init", "good.safetensors", "--save", "good.safetensors"])]:
    run(["--steps", "1", "--save", "good.safetensors"], check=True)
    row(what, run(["--steps", "1", *arguments]), 2, "would be written over")
for what, arguments in [("--save into the checkpoint of --init", ["--init", "new/step-00000012", "--save", "new/step-00000012/model.safetensors"]),
                        ("--log into the checkpoint of --resume", ["--resume", "new/step-00000012", "--log", "new/step-00000012/optimizer.safetensors"])]:
    row(what, run(["--steps", "12", *arguments]), 2, "is part of a checkpoint")
row("--save over the lock", run(["--steps", "1", "--checkpoints", "locked", "--save", "locked/.lock"]), 2, "would be written over")
row("--save under too long a name", run(["--steps", "1", "--save", "a" * 256]), 2, "is longer than 255 bytes")
row("a scalar given twice", run(["--steps", "1", "--lr", "1", "--scalar", "lr=2"]), 2, "scalar 'lr' is given twice")
row("a limit of file sizes", command(["bash", "-c", f"ulimit -f 0; exec {program} {' '.join(TRAIN)} --data text.rs --steps 1 --save-init limited"]), 1, "File too large")
row("--log and --save into one file", run(["--steps", "1", "--log", "x", "--save", "x"]), 2, "each output needs a file of its own")
os.symlink("real.safetensors", "link.safetensors")
row("--save to a link", run(["--steps", "1", "--save", "link.safetensors"]), 0, "step 1/1")
claim("... follows it", os.path.islink("link.safetensors") and os.path.getsize("real.safetensors") == size, "real.safetensors")
row("--save and --log to /dev/null", run(["--steps", "1", "--save", "/dev/null", "--log", "/dev/null", "--log-file", "/dev/null"]), 0, "step 1/1")
finish()
