"""nesting.py SCRATCH SCRIPT: what nests 200,000 deep, in any way, is an error with exit code 2 of each tool; what nests 100 deep
is none."""
import subprocess
import sys

scratch, script = sys.argv[1:]
KINDS = {
    "attributes": lambda n: "module attributes {scf.a = " + "[" * n + "]" * n + "} {}",
    "dictionaries": lambda n: "module attributes {scf.a = " + "{a = " * n + "1" + "}" * n + "} {}",
    "types": lambda n: "func.func private @f(" + "tuple<" * n + "i1" + ">" * n + ")",
    "functions": lambda n: "func.func private @f(" + "(" * n + ") -> ()" * n + ")",
    "regions": lambda n: "module {\n" * n + "}\n" * n,
    "locations": lambda n: "module {} loc(" + "fused[" * n + "unknown" + "]" * n + ")",
    "signs": lambda n: "#m = affine_map<(d0) -> (" + "-" * n + "d0)>\nmodule attributes {scf.m = #m} {}",
    "aliases": lambda n: "#a0 = [1]\n" + "".join(f"#a{i + 1} = [#a{i}]\n" for i in range(n)) + f"module attributes {{scf.a = #a{n}}} {{}}",
    "types' aliases": lambda n: "!a0 = i1\n" + "".join(f"!a{i + 1} = () -> !a{i}\n" for i in range(n)) + f"func.func private @f(!a{n})",
}
LIMIT = "nests deeper than 256 levels"
failures = 0


def check(kind, command, code, words):
    global failures
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != code or words not in run.stderr:
        failures += 1
        print(f"{kind}: {command[:3]} exits {run.returncode}: {run.stderr[:300]}")


for kind, text in KINDS.items():
    with open(scratch, "w") as file:
        file.write(text(100))
    check(kind, ["nanochat-opt", scratch], 0, "")
    with open(scratch, "w") as file:
        file.write(text(200000))
    for more in [], ["--target=reference"]:
        check(kind, ["nanochat-opt", scratch, *more], 2, f"{LIMIT}\nnote: ")
    check(kind, ["nanochat-reduce", scratch, f"--reduction-tree=test={script}"], 2, LIMIT)
# Aliases that stand for twice the one before: shallow, and too much to be written out.
for levels, code, words in [(8, 0, ""), (40, 2, LIMIT)]:
    with open(scratch, "w") as file:
        file.write("#a0 = [1]\n" + "".join(f"#a{i + 1} = [#a{i}, #a{i}]\n" for i in range(levels)) + f"module attributes {{scf.a = #a{levels}}} {{}}")
    check("doubled aliases", ["nanochat-opt", scratch], code, words)
with open(scratch, "w") as file:
    file.write("// no brackets: ((([[[ \nmodule attributes {scf.a = \"" + "[" * 1000 + '\\"' + "{" * 1000 + "\"} {}\n")
check("strings", ["nanochat-opt", scratch], 0, "")
passes = "builtin.module(" * 5000 + ")" * 5000
check("passes", ["nanochat-opt", scratch, f"--pass-pipeline={passes}"], 2, LIMIT)
sys.exit(failures > 0)
