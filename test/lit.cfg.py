"""How compiler tests run. A feature that is absent is recorded with its reason, which
`./nanochat test` prints beside every test it skips."""
import importlib.util
import json
import os
import shutil
import subprocess
import sys

import lit.formats

config.name = "nanochat"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.nanochat_build_root, "test")
config.environment["PATH"] = os.pathsep.join(
    [config.nanochat_tools_dir, config.llvm_tools_dir, config.environment.get("PATH", "")])
config.substitutions += [
    ("%build", config.nanochat_build_root),
    ("%models", os.path.join(config.nanochat_source_root, "models")),
    ("%source", config.nanochat_source_root),
    ("%scripts", os.path.join(config.nanochat_source_root, "scripts")),
    ("%mlirlib", config.llvm_library_dir),
]
# Tests compile the same kernels again and again.
config.environment["NANOCHAT_CACHE"] = os.path.join(config.test_exec_root, "kernel-cache")
if importlib.util.find_spec("psutil"):
    lit_config.maxIndividualTestTime = 600

missing = {}


def feature(name, present, reason):
    """Declares a feature; `reason` says why it is absent."""
    if present:
        config.available_features.add(name)
    else:
        missing[name] = reason


def cpu_flags():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("flags"):
                return set(line.split(":")[1].split())
    return set()


def python_with(module):
    """The first Python that imports `module`, or None."""
    for python in dict.fromkeys([sys.executable, "/usr/bin/python3"]):
        probe = [python, "-c", f"import {module}"]
        if os.path.exists(python) and subprocess.run(probe, capture_output=True).returncode == 0:
            return python
    return None


# What the rows have; NANOCHAT_NATIVE names the one that this machine is to be taken for.
ROWS = {"x86-64-v3": {"avx2"}, "avx-vnni": {"avx2", "avx_vnni"}, "x86-64-v4": {"avx2", "avx512f"},
        "avx512-vnni": {"avx2", "avx512f", "avx512_vnni"},
        "avx512-bf16": {"avx2", "avx512f", "avx512_vnni", "avx512_bf16"}}
flags, native = cpu_flags(), os.environ.get("NANOCHAT_NATIVE")
if native:
    if not ROWS.get(native, {"unknown"}) <= flags:
        lit_config.fatal(f"NANOCHAT_NATIVE is '{native}', which is no row that this machine runs; rows are {', '.join(ROWS)}")
    config.environment["NANOCHAT_NATIVE"] = native
for name, flag in [("avx2", "avx2"), ("avx-vnni", "avx_vnni"), ("avx512f", "avx512f"),
                   ("avx512-vnni", "avx512_vnni"), ("avx512-bf16", "avx512_bf16")]:
    if native:
        feature(name, flag in ROWS[native], f"NANOCHAT_NATIVE is {native}")
    else:
        feature(name, flag in flags, f"/proc/cpuinfo does not list {flag}")

feature("unsanitized", not config.nanochat_sanitize, "this build has sanitizers, which link and allocate")
if config.nanochat_sanitize:
    # LLVM's libraries are not instrumented: containers that cross into them look overflown, and leaks are theirs.
    config.environment["ASAN_OPTIONS"] = "detect_container_overflow=0:detect_leaks=0"
    config.environment["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"

# torch brings numpy: a test that needs both needs one Python that has both.
for module in ["numpy", "torch", "tokenizers"]:
    python = python_with(module)
    feature(module, python, f"python3 module {module} not found")
    if python:
        config.substitutions.append((f"%python-{module}", python))
config.substitutions.append(("%python", sys.executable))
for program in ["protoc", "chromium"]:
    feature(program, shutil.which(program), f"no {program} on PATH")

ptxas = shutil.which("ptxas") or shutil.which("/usr/local/cuda/bin/ptxas") or shutil.which(
    os.path.join(config.nanochat_build_root, "ptxas", "bin", "ptxas"))
feature("ptxas", ptxas, "no ptxas on PATH, of /usr/local/cuda or of PyPI's nvidia-cuda-nvcc")
feature("namespaces", all(map(shutil.which, ("unshare", "nsenter", "ip"))) and
        subprocess.run(["unshare", "-Urnu", "ip", "link", "add", "name", "w", "type", "veth"], capture_output=True).returncode == 0,
        "no namespaces with a network of their own: unshare, ip and a kernel that lets this user have them")
feature("mpi", shutil.which("mpicc") and shutil.which("mpirun"), "no mpicc and mpirun: install libopenmpi-dev and openmpi-bin")
if ptxas:
    config.substitutions.append(("%ptxas", ptxas))
    config.environment["NANOCHAT_PTXAS"] = ptxas

os.makedirs(config.test_exec_root, exist_ok=True)
with open(os.path.join(config.test_exec_root, "missing-features.json"), "w") as file:
    json.dump(missing, file)
