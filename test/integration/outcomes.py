"""What becomes of a training run when something goes wrong: a table of cases, each with the exit code and the words
expected. Fails if one is not as it should be. Usage: outcomes.py FOLDER PROGRAM OTHER_TARGET OTHER_SIZES OTHER_MODEL"""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from outcome_tools import INSIDE, TRAIN, can_mount, change, claim, command, enter, finish, row, steps

folder, program, other_target, other_sizes, other_model = sys.argv[1:]
enter(folder)


def run(arguments, of=program, **more):
    return command([of, *TRAIN, *arguments], **more)


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1:]


def saved(name):
    """A folder with checkpoints after 4 and 8 steps."""
    if not os.path.exists("saved"):
        run(["--data", "text.rs", "--steps", "8", "--save-every", "4", "--checkpoints", "saved"], check=True)
    shutil.rmtree(name, ignore_errors=True)
    shutil.copytree("saved", name)
    return name


def resume(name, of=program, *more):
    return run(["--data", "text.rs", "--steps", "12", "--checkpoints", name, "--resume", "auto", *more], of)


row("nothing to resume yet", resume("empty"), 0, "step 12")
row("resume", resume(saved("a")), 0, "a/step-00000008': 8 steps are done")
for file, name in [("model.safetensors", "model"), ("optimizer.safetensors", "optimizer"), ("manifest.json", "manifest")]:
    for what, edit, words in [("truncated", lambda c: c[:len(c) // 2], "were written"),
                              ("empty", lambda c: b"", "were written"),
                              ("one bit changed", flip, "was changed since it was written")]:
        words = "does not describe a checkpoint" if name == "manifest" else words
        path = saved("b") + "/step-00000008"
        change(f"{path}/{file}", edit)
        row(f"newest checkpoint: {name} {what}, named", run(["--data", "text.rs", "--steps", "12", "--resume", path]), 2, words)
        row(f"newest checkpoint: {name} {what}, --resume auto", resume("b"), 0, "b/step-00000004': 4 steps are done")
row("of another model", resume(saved("c"), other_model), 2, "is of model 'dense', this is 'another'")
row("on another target", resume(saved("d"), other_target), 0, "resumed on another target")
row("with another batch size", resume(saved("e"), other_sizes), 0, "resumed on another size 'batch': 3, was 2")
with open("more.rs", "w") as text:
    text.writelines(f"fn g{i}() {{}}\n" for i in range(2000))
row("on other data", run(["--data", "more.rs", "--steps", "12", "--checkpoints", saved("h"), "--resume", "auto"]), 0, "resumed on other data")
row("with another seed", resume(saved("f"), program, "--seed", "5"), 2, "is of a run with seed 0, --seed is 5")
row("with fewer steps than are done", run(["--data", "text.rs", "--steps", "6", "--checkpoints", saved("g"), "--resume", "auto"]), 2, "was saved after step 8, --steps is 6")
row("not a checkpoint", run(["--data", "text.rs", "--resume", "text.rs"]), 2, "cannot read 'text.rs/manifest.json'")
row("folder of checkpoints is a file", run(["--data", "text.rs", "--checkpoints", "text.rs"]), 2, "cannot write in folder 'text.rs'")

row("shards: prepare", command([program, "data", "prepare", "text.rs", "--vocab", "257", "-o", "shards"]), 0, "training")
for what, file, edit, words in [("truncated", "train-00000.bin", lambda c: c[:-2], "is truncated or damaged"),
                                ("one bit changed", "train-00000.bin", flip, "was changed"),
                                ("foreign", "val-00000.bin", lambda c: b"GGUF" + c[4:], "is no token file"),
                                ("tokenizer changed", "tokenizer.json", lambda c: c.replace(b"p{L}", b"p{N}"), "is not the tokenizer that the tokens"),
                                ("tokenizer truncated", "tokenizer.json", lambda c: c[:99], "tokenizer.json"),
                                ("manifest truncated", "manifest.json", lambda c: c[:99], "does not describe prepared data")]:
    shutil.rmtree("broken", ignore_errors=True)
    shutil.copytree("shards", "broken")
    change("broken/" + file, edit)
    row("data: " + what, run(["--data", "broken", "--steps", "1"]), 2, words)
subprocess.run([program, "data", "prepare", "text.rs", "--vocab", "300", "-o", "large"], capture_output=True, check=True)
row("data: vocabulary larger than the model's", run(["--data", "large", "--steps", "1"]), 2, "has a vocabulary of 300, the model one of 257")
run(["--data", "shards", "--steps", "2", "--checkpoints", "of-shards"], check=True)
row("data: resumed with another tokenizer", run(["--data", "text.rs", "--steps", "3", "--checkpoints", "of-shards", "--resume", "auto"]), 2, "is of a run with another tokenizer")

if can_mount():
    script = f"""mount -t tmpfs -o size=300k x /mnt && {program} train --data text.rs --eval-every 0 --steps 4 --checkpoints /mnt/c >/dev/null &&
        head -c 1000000 /dev/zero >/mnt/filler 2>/dev/null; {program} train --data text.rs --eval-every 0 --steps 8 --checkpoints /mnt/c --resume auto; code=$?
        ls -A /mnt/c; {program} train --data text.rs --eval-every 0 --steps 4 --resume /mnt/c/step-00000004; exit $code"""
    result = command([*INSIDE, script])
    row("disk full", result, 1, "No space left on device")
    claim("... the former checkpoint is there, no other", "\nstep-00000004\nresumed" in "\n" + result.stdout, "and can be resumed")
    script = f"mount -t tmpfs x /mnt && mkdir /mnt/c && mount -o remount,ro /mnt && {program} train --data text.rs --checkpoints /mnt/c"
    row("folder of checkpoints is read-only", command([*INSIDE, script]), 2, "cannot write in folder '/mnt/c'")
else:
    print("skip disk full, read-only: this machine allows no file systems of one's own (unshare -rm)")


def start_run():
    return subprocess.Popen([program, *TRAIN, "--data", "text.rs", "--steps", "100000", "--save-every", "1", "--keep-last", "1",
                             "--checkpoints", "killed", "--resume", "auto", "--log", "killed.jsonl"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def hidden(path):
    return os.path.exists(path) and any(name.startswith(".step-") for name in os.listdir(path))


def kill_often(times):
    """Kills runs that save after every step, each second one in the middle of a save. Two are started at once, of which one is
    refused. Each time the newest checkpoint must be whole and no older than before."""
    random.seed(1)
    newest = interrupted = refused = 0
    for i in range(times):
        pair = [start_run(), start_run()]
        time.sleep(random.uniform(0.03, 0.12))
        while i % 2 and any(one.poll() is None for one in pair) and not hidden("killed"):
            pass
        for one in pair:
            one.send_signal(signal.SIGKILL)
        said = [one.communicate()[1] for one in pair]
        for one, words in zip(pair, said):
            if words and not (one.returncode == 2 and "another process" in words):
                return False, f"after step {newest}: exit {one.returncode} {words}"
            refused += one.returncode == 2
        if os.path.exists("killed"):
            if newest and (not steps("killed") or steps("killed")[-1] < newest):
                return False, f"after step {newest}: {os.listdir('killed')}"
            newest = max(steps("killed"), default=0)
            interrupted += hidden("killed")
    return newest > 20 and interrupted > times // 3 and refused > times // 2, \
        f"{newest} steps, killed {interrupted} times while saving, {refused} runs refused"


claim("kill -9 of two runs in one folder, 200 times", *kill_often(200))
last = steps("killed")[-1] + 3
run(["--data", "text.rs", "--steps", str(last), "--schedule-steps", "100000", "--checkpoints", "killed", "--keep-last", "1", "--resume", "auto", "--log", "killed.jsonl", "--save", "killed.safetensors"], check=True)
run(["--data", "text.rs", "--steps", str(last), "--schedule-steps", "100000", "--log", "whole.jsonl", "--save", "whole.safetensors"], check=True)
rows = [[line.split(', "tok_s"')[0] for line in open(log)] for log in ("killed.jsonl", "whole.jsonl")]
claim("... and the run is the one that was never killed", rows[0] == rows[1] and open("killed.safetensors", "rb").read() == open("whole.safetensors", "rb").read(),
      f"{len(rows[0])} equal rows, equal parameters")
claim("... of which nothing is left half written", not hidden("killed") and steps("killed") == [last], str(os.listdir("killed")))
finish()
