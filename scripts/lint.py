#!/usr/bin/env python3
"""Checks what reviewers should not have to: formatting, file lengths, banned idioms, a test for every pass.

lint.py [ROOT]: prints FILE:LINE: MESSAGE per finding; exit code 1 if there are any.
"""
import re
import shutil
import subprocess
import sys
from pathlib import Path

LENGTH_CAPS = {".cpp": 500, ".h": 500, ".td": 250, ".mlir": 500, ".py": 300}
TEXT = set(LENGTH_CAPS) | {".c", ".md", ".txt", ".cmake", ".in", ".json"}
CPP = {".cpp", ".h", ".c"}
GENERATED = {"docs/ops.md", "docs/passes.md"}

# (suffixes, pattern, what to do instead)
BANNED = [
    (TEXT, re.compile(r"[ \t]+$"), "trailing whitespace"),
    (TEXT, re.compile(r"\t"), "tab: indent with spaces"),
    (CPP, re.compile(r"\.create<"), "write OpTy::create(builder, ...) instead of builder.create<OpTy>(...)"),
    (CPP, re.compile(r"^\s*([\w.()]+(\.|->))?dump\(\);"), "dump() is for debuggers: remove it"),
    # Split, so that this file does not find itself.
    (CPP | {".td", ".py"}, re.compile("TO" + r"DO(?!\([\w-]+\))|FIX" + "ME"), "name an owner, TO" + "DO(name), or do it"),
]


def tracked_files(root):
    """What git tracks, so that builds and editors' files are not ours to judge; else every file."""
    if shutil.which("git"):
        listing = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"],
                                 capture_output=True, text=True)
        if listing.returncode == 0:
            return [root / name for name in sorted(set(listing.stdout.splitlines())) if (root / name).is_file()]
    ours = [path for path in root.iterdir() if not path.name.startswith((".", "build")) and path.name != "run"]
    return sorted(path for top in ours for path in [top, *top.rglob("*")] if path.is_file())


def file_findings(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    cap = LENGTH_CAPS.get(path.suffix)
    if cap and len(lines) > cap:
        yield cap + 1, f"{len(lines)} lines, at most {cap}: split the file by concern"
    for number, line in enumerate(lines, 1):
        for suffixes, pattern, advice in BANNED:
            if path.suffix in suffixes and pattern.search(line):
                yield number, advice


# Clients such as apt and pip know where their registries are; a tree that says so works on one network only.
REGISTRY = re.compile(rb"\b(deb|ftp|security|snapshot)\.debian\.org|\b(pypi|pythonhosted|npmjs|rubygems|golang)\.org|\bcrates\.io")


def registry_findings(path):
    content = path.read_bytes()
    for found in REGISTRY.finditer(content):
        yield content.count(b"\n", 0, found.start()) + 1, "host of a registry: let its client find it"


def untested_passes(root, files):
    """A pass `nanochat-foo-bar` of lib/<Stage>/Passes.td is tested in test/**/foo-bar.mlir."""
    tests = {path.stem for path in files
             if path.suffix == ".mlir" and path.relative_to(root).parts[0] == "test"}
    for path in files:
        if path.name != "Passes.td":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            flag = re.search(r'^def \w+ : Pass<"nanochat-([\w-]+)"', line)
            if flag and flag.group(1) not in tests:
                yield path, number, f"pass nanochat-{flag.group(1)} has no test/**/{flag.group(1)}.mlir"


FORMATTER = "clang-format-22"  # versions differ in what they want


def format_findings(root, files):
    """C++ that the formatter would write in another way; the first place of each file. Not checked where it is not installed."""
    sources = [path for path in files if path.suffix in {".cpp", ".h"}]
    if not shutil.which(FORMATTER) or not sources:
        return
    done = subprocess.run([FORMATTER, "--dry-run", "--ferror-limit=1", *sources], capture_output=True, text=True, cwd=root)
    for found in re.finditer(r"^(.+?):(\d+):\d+: warning: code should be clang-formatted", done.stderr, re.M):
        yield Path(found[1]), int(found[2]), "not as .clang-format wants it: ./nanochat format"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    files = tracked_files(root)
    findings = []
    for path in files:
        name = str(path.relative_to(root))
        if path.suffix in TEXT and name not in GENERATED:
            findings += [(path, number, advice) for number, advice in file_findings(path)]
        findings += [(path, number, advice) for number, advice in registry_findings(path)]
    findings += untested_passes(root, files)
    findings += format_findings(root, files)
    for path, number, advice in findings:
        print(f"{path.relative_to(root)}:{number}: {advice}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
