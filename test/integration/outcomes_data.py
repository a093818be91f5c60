"""What becomes of data that are not as they should be: the third part of the table of outcomes.py. Usage: outcomes_data.py FOLDER PROGRAM"""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from outcome_tools import TRAIN, claim, command, enter, finish, row, steps

folder, program = sys.argv[1:]
enter(folder)
random.seed(3)


def train(data, *more):
    return command([program, *TRAIN, "--data", data, "--steps", "1", *more])


def prepare(out, *more):
    return command([program, "data", "prepare", "text.rs", "--vocab", "257", "-o", out, *more])


def write(path, content):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


# Under a run
def overwrite(path):
    with open(path, "r+b") as file:
        file.seek(1024)
        file.write(random.randbytes(os.path.getsize(path) - 1024))


for what, spoil, words in [("cut short", lambda path: os.truncate(path, 4096), "was cut short while it was in use"),
                           ("written over", overwrite, "train-00000.bin'")]:
    shutil.rmtree("d", ignore_errors=True)
    shutil.rmtree("c", ignore_errors=True)
    prepare("d")
    process = subprocess.Popen([program, *TRAIN, "--data", "d", "--steps", "100000000", "--checkpoints", "c", "--log", "d.jsonl"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    time.sleep(0.3)
    spoil("d/train-00000.bin")
    _, said = process.communicate()
    claim(f"token file {what} under a run", process.returncode == 1 and words in said, said.strip().replace("\n", "; ")[-150:])
    claim("... which saves what it has reached", len(steps("c")) == 1, str(steps("c")))

# Names and folders
row("out/ as shells complete it", prepare("out/"), 0, "training")
claim("... is the folder out", os.path.exists("out/manifest.json"), "out/manifest.json")
row("... and is there the second time", prepare("out/"), 2, "is there already")
shards = open("out/train-00000.bin", "rb").read()
for name in ["retrieval_000000.bin", "modern_val_000001.bin"]:
    write("s/" + name, shards)
row("a file called retrieval", train("s"), 0, f"{(len(shards) - 1024) // 2} training tokens, {(len(shards) - 1024) // 2} validation")
for i in range(30):
    write(f"texts/f{i}.rs", b"fn main() {}\n" * (100 + i))
os.symlink("self.rs", "texts/self.rs")
os.symlink("nowhere", "texts/dangling.rs")
os.mkfifo("texts/pipe.rs")
os.makedirs("texts/folder.rs")
row("a link to itself, a dangling one, a pipe", train("texts"), 0, "warning: ")
write("texts/manifest.json", b'{"name": "of a web page"}')
row("another program's manifest.json among texts", train("texts"), 0, "training tokens")
write("long.txt", b"x" * 100000 + b"\nend\n")
row("a last line that is longer than the twentieth", train("long.txt"), 0, "95006 training tokens, 5001 validation tokens")
write("short.txt", b"fn f() {}\n")
row("too little text to validate", command([program, "train", "--data", "short.txt", "--steps", "1"]), 2, "--eval-every 0")

# What tokens mean
write("special.rs", b"fn f() {} <|endoftext|> end\n" * 200)
row("a text with the special token's name", command([program, "tokenizer", "train", "special.rs", "--vocab", "400", "--pattern", r"\s|\S+", "-o", "t.json"]), 0, "tokens from")
row("... whose tokenizer can be read", command([program, "tokenizer", "info", "--tokenizer", "t.json"]), 0, "begins texts")
command([program, "tokenizer", "train", "text.rs", "--vocab", "257", "--pattern", "gpt2", "-o", "other.json"], check=True)
row("--tokenizer that prepared data do not have", train("out", "--tokenizer", "other.json"), 2, "tokenizer")
row("a share that is never drawn", train("a=out", "--data", "b=text.rs", "--mix", "a=1", "--mix", "b=1e-9", "--tokenizer", "out/tokenizer.json"), 2, "b")
row("--output over the text that is read", command([program, "tokenizer", "train", "text.rs", "--vocab", "300", "-o", "./text.rs"]), 2, "would be written over")
finish()
