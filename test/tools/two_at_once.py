"""two_at_once.py MODEL OUTPUT PROGRAM: two compilations of MODEL to OUTPUT at once each succeed and leave there what
compiling alone made, PROGRAM, and nothing beside it; nor does one leave anything that is interrupted while it links."""
import filecmp
import os
import signal
import subprocess
import sys
import tempfile

model, output, program = sys.argv[1:]
folder = os.path.dirname(output)
compile_model = ["nanochat-opt", model, "--target=reference", "--emit=exe", "-o", output]

pair = [subprocess.Popen(compile_model) for _ in range(2)]
assert [process.wait() for process in pair] == [0, 0]
assert filecmp.cmp(output, program, shallow=False) and os.listdir(folder) == [os.path.basename(output)]

# A linker that interrupts the compiler.
with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as temporary:
    linker = os.path.join(scratch, "c++")
    with open(linker, "w") as file:
        file.write("#!/bin/sh\nkill -TERM $PPID\nsleep 1\n")
    os.chmod(linker, 0o755)
    environment = {**os.environ, "PATH": scratch + os.pathsep + os.environ["PATH"], "TMPDIR": temporary}
    code = subprocess.run(compile_model, env=environment).returncode
    assert code == -signal.SIGTERM, code
    assert os.listdir(temporary) == [] and os.listdir(folder) == [os.path.basename(output)], os.listdir(folder)
