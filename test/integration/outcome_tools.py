"""What tests of outcomes share: runs of one program in a folder of their own, and a table of what became of them."""
import os
import shutil
import subprocess
import sys

failures = 0
TRAIN = ["train", "--eval-every", "0", "--threads", "2"]
# A small file system of one's own needs no rights where user namespaces are allowed.
INSIDE = ["unshare", "-rm", "sh", "-c"]


def enter(folder):
    """An empty folder with a text to train on."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chdir(folder)
    with open("text.rs", "w") as text:
        text.writelines(f"fn f{i}(x: u32) -> u32 {{ x * {i * i} }}\n" for i in range(2000))


def can_mount():
    return subprocess.run([*INSIDE, "mount -t tmpfs -o size=1m x /mnt"], capture_output=True).returncode == 0


def command(arguments, **more):
    """Any command line, its output captured."""
    return subprocess.run(arguments, capture_output=True, text=True, errors="replace", **more)


def row(case, result, code, words):
    """One line of the table: the exit code and words of what was printed that are expected."""
    global failures
    text = result.stdout + result.stderr
    good = result.returncode == code and words in text
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {case:58} exit {result.returncode}  {words}")
    if not good:
        print(f"     expected exit {code}, found:\n{text}")


def claim(case, good, words):
    global failures
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {case:58} {words}")


def steps(path):
    return sorted(int(name[5:]) for name in os.listdir(path) if name.startswith("step-") and name[5:].isdigit())


def change(path, edit):
    with open(path, "rb") as file:
        content = file.read()
    with open(path, "wb") as file:
        file.write(edit(content))


def finish():
    print(f"{failures} outcomes not as they should be")
    sys.exit(failures > 0)
