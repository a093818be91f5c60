"""All commands of a program in all adversities: exit codes 0, 1 and 2, and an error where something was not done.
Usage: exit_codes.py FOLDER PROGRAM"""
import json
import os
import random
import shlex
import shutil
import struct
import sys

from outcome_tools import INSIDE, can_mount, claim, command, enter, finish

folder, program = sys.argv[1:]
enter(folder)
random.seed(7)
TRAIN = "train --data text.rs --eval-every 0 --steps 2 --threads 1"
# OUT is where a command writes.
COMMANDS = [TRAIN + more for more in (" --init model", " --config run.toml", " --log OUT/x", " --log-file OUT/x", " --save OUT/x",
                                      " --save-init OUT/x", " --checkpoints OUT/x", " --tensorboard OUT/x", " --dump-dispatches OUT/x")] + [
    "train --data shards --eval-every 0 --steps 2 --threads 1", "eval --init model --data text.rs --batches 1", "generate --init model -n 3",
    "grad --init model --batch batch --out OUT/x", "info", "info --json", "plot log -o OUT/x", "report log -o OUT/x",
    "tokenizer train text.rs --vocab 257 -o OUT/x", "tokenizer encode --tokenizer t.json text.rs", "tokenizer decode --tokenizer t.json ids",
    "tokenizer info --tokenizer t.json", "data prepare text.rs --vocab 257 -o OUT/x", "data check shards", "config run.toml --resolved",
    "config --schema", "doctor", "doctor --json", "man", "completion bash", "--help", "train --help"]
# Files that are wrong when their bytes are others; any bytes are a text.
BINARY = ["model", "batch", "log", "t.json", "ids", "run.toml", "shards/manifest.json", "shards/train-00000.bin"]


def words(line, out="out"):
    return [program, *shlex.split(line.replace("OUT", out))]


def is_error(result, code=None):
    return result.returncode in ([1, 2] if code is None else [code]) and "error: " in result.stderr


def prepare():
    """Files that all commands are content with."""
    for line in (TRAIN + " --save model --log log", "tokenizer train text.rs --vocab 257 -o t.json", "data prepare text.rs --vocab 257 -o shards"):
        command(words(line), check=True)
    with open("ids", "w") as ids:
        ids.write("70 71 72")
    with open("run.toml", "w") as config:
        config.write("[training]\nseed = 3\n")
    info = command(words("info --json")).stdout
    count = next(tensor["count"] for tensor in json.loads(info)["inputs"] if tensor["name"] == "tokens")
    with open("batch", "wb") as batch:
        batch.write(struct.pack(f"<{2 * count}i", *(random.randrange(256) for _ in range(2 * count))))
    os.mkdir("out")


def run(line):
    shutil.rmtree("out/x", ignore_errors=True)
    if os.path.exists("out/x"):
        os.remove("out/x")
    return command(words(line))


def check_streams(line, prints):
    """What is printed must arrive; a command that prints nothing needs no output."""
    for what, streams in (("a full disk", ">/dev/full"), ("no standard output", ">&-"), ("no streams", "<&- >&-")):
        shutil.rmtree("out", ignore_errors=True)
        os.mkdir("out")
        result = command(["sh", "-c", f"{shlex.join(words(line))} {streams}"])
        claim(line, is_error(result, 1) if prints else result.returncode == 0, f"printed to {what}: exit {result.returncode}")


def check_disk(line):
    full = "mount -t tmpfs -o size=16k x /mnt && (cat /dev/zero >/mnt/filler 2>/dev/null; true)"
    frozen = "mount -t tmpfs x /mnt && mount -o remount,ro /mnt"
    for what, script in (("full", full), ("read-only", frozen)):
        result = command([*INSIDE, f"{script} && {shlex.join(words(line, '/mnt'))}"])
        claim(line, is_error(result), f"on a {what} disk: exit {result.returncode}")


def check_input(line, name):
    with open(name, "rb") as file:
        whole = file.read()
    for what, content in (("empty", b""), ("of random bytes", random.randbytes(len(whole))), ("cut", whole[:len(whole) // 2] + b"\xff")):
        with open(name, "wb") as file:
            file.write(content)
        result = run(line)
        # Nothing is a list of ids and a configuration, and a log may end within a line.
        is_fine = (what, name) in (("empty", "ids"), ("empty", "run.toml"), ("cut", "log"))
        good = is_error(result) or (is_fine and result.returncode == 0)
        claim(line, good, f"{name} is {what}: exit {result.returncode}")
    with open(name, "wb") as file:
        file.write(whole)


prepare()
mounts = can_mount()
if not mounts:
    print("skip full and read-only disks: this machine allows no file systems of one's own (unshare -rm)")
for line in COMMANDS:
    result = run(line)
    claim(line, result.returncode == 0, f"exit {result.returncode} {result.stderr[:200]}")
    check_streams(line, bool(result.stdout))
    if mounts and "OUT" in line:
        check_disk(line)
    for name in BINARY:
        if name.split("/")[0] in line.split():
            check_input(line, name)
finish()
