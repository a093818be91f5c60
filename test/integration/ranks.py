"""ranks.py PROGRAM: processes that are ranks of each other find one another by every launcher's environment, exchange bytes, and end with a sentence
and in time where one is missing, is another program's, dies or stops."""
import json
import os
import signal
import socket
import subprocess
import sys
import time

program = sys.argv[1]
clean = {name: value for name, value in os.environ.items()
         if not name.startswith(("OMPI_", "PMI_", "SLURM_", "MASTER_")) and name not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}


def free_port():
    with socket.socket() as one:
        one.bind(("", 0))
        return str(one.getsockname()[1])


def start(environment, *options):
    return subprocess.Popen([program, "comm", *options], env={**clean, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process, seconds=30):
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def torchrun(rank, ranks, port):
    return {"RANK": str(rank), "WORLD_SIZE": str(ranks), "LOCAL_RANK": str(rank), "MASTER_ADDR": "localhost", "MASTER_PORT": port}


def check(found, code, *words):
    assert found[0] == code and all(word in found[2] for word in words), (found, code, words)


def shared():
    return {line.split()[0]: int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("Shmem:")}["Shmem:"]  # KiB


shared_before = shared()
# Of one command.
for channels in ("shm", "tcp", "auto"):
    code, out, err = end(start({}, "--ranks=4", f"--comm={channels}", "--bytes=100003", "--json"), 60)
    assert code == 0, err
    found = json.loads(out)
    assert found["ranks"] == 4 and found["calls"][-1] == {**found["calls"][-1], "collective": "broadcast", "bytes": 100003}, found
    assert found["channels"] == ("TCP" if channels == "tcp" else "shared memory") and found["latency_s"] > 0 and found["bytes_per_s"] > 0

# Of launchers.
port = free_port()
for names in (("RANK", "WORLD_SIZE", "LOCAL_RANK"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
              ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"), ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID")):
    port = free_port()
    ranks = [start({names[0]: str(rank), names[1]: "3", names[2]: str(rank), "MASTER_PORT": port, "SLURM_NODELIST": "localhost,b[1-3]", "SLURM_STEP_ID": "0"},
                   "--bytes=4096") for rank in range(3)]
    results = [end(rank) for rank in ranks]
    assert [code for code, _, _ in results] == [0, 0, 0], results
    assert "3 ranks over shared memory" in results[0][1] and results[1][1] == "" == results[2][1], results

# Who is not there, there twice, or another.
port = free_port()
check(end(start(torchrun(0, 2, port), "--comm-timeout=0.5")), 2, "error: rank 1 of 2 was not heard from in time", "--comm-timeout waits longer")
check(end(start(torchrun(1, 2, port), "--comm-timeout=0.5")), 2, f"error: nobody answers at localhost:{port}: Connection refused")
ranks = [start(torchrun(rank, 3, port), "--comm-timeout=10") for rank in (0, 1, 1)]
for rank in ranks:
    check(end(rank), 2, ") is there twice", "every process needs a rank of its own")
port = free_port()
ranks = [start(torchrun(0, 2, port), "--bytes=8"), start(torchrun(1, 2, port), "--bytes=9")]
for rank in ranks:
    check(end(rank), 2, "error: rank 1 (host ", ") has --bytes 9, rank 0 (host ", ") has 8")
port = free_port()
ranks = [start(torchrun(0, 2, port), "--comm-timeout=10"), start({**torchrun(1, 3, port)}, "--comm-timeout=10")]
for rank in ranks:
    check(end(rank), 2, ") is of 3 ranks, rank 0 (host ", ") of 2")
with socket.socket() as taken:
    taken.bind(("", 0))
    taken.listen()
    port = str(taken.getsockname()[1])
    check(end(start(torchrun(0, 2, port))), 2, f"error: rank 0 cannot listen on port {port}: Address already in use")
    check(end(start(torchrun(1, 2, port), "--comm-timeout=0.5")), 2, f"error: rank 0 at localhost:{port} does not answer")


def call(port, *messages):
    """Connects as soon as somebody listens, and says something; the connection stays open while it is held."""
    for _ in range(100):
        try:
            caller = socket.create_connection(("localhost", int(port)))
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    for message in messages:
        caller.sendall(message)
    return caller


def framed(message):
    text = json.dumps(message).encode()
    return len(text).to_bytes(8, "little") + text


# Strangers who call are no ranks, whatever they say, and hold nobody up where they say nothing.
port = free_port()
first = start(torchrun(0, 2, port), "--bytes=64")
begin = time.time()
strangers = [call(port), call(port), call(port), call(port, b"GET / HTTP/1.1\r\n\r\n"), call(port, framed({"program": 3})),
             call(port, framed({"program": "nanochat", "rank": "x", "facts": 7, "ranks": 3.5})[:20])]
second = start(torchrun(1, 2, port), "--bytes=64")
assert (end(first)[0], end(second)[0]) == (0, 0) and time.time() - begin < 8
# A rank that ends before all are there is named at once.
port = free_port()
first = start(torchrun(0, 3, port))
second = start(torchrun(1, 3, port))
time.sleep(1)
second.kill()
begin = time.time()
check(end(first), 1, "error: rank 1 (host ", ") ended before all ranks were there")
assert time.time() - begin < 5
end(second)

# What the environment and options say.
check(end(start({"RANK": "2", "WORLD_SIZE": "2"})), 2, "error: RANK is '2', expected a number from 0 to 1", "environment of torchrun")
check(end(start({"RANK": "0"})), 2, "error: WORLD_SIZE is not set")
check(end(start({"RANK": "0", "WORLD_SIZE": "two"})), 2, "error: WORLD_SIZE is 'two', expected a number")
check(end(start({**torchrun(0, 2, "99999")})), 2, "error: MASTER_PORT is '99999'")
check(end(start(torchrun(0, 2, port), "--ranks=2")), 2, "error: --ranks=2 within torchrun, which has started this process as rank 0 of 2")
check(end(start({}, "--ranks=2", "--comm=rdma")), 2, "error: --comm=rdma is not known", "it is auto, shm, tcp, mpi or nccl")
check(end(start({})), 2, "error: one rank has nobody to talk to")
check(end(start({"SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_NODELIST": "a"})), 2, "error: one rank has nobody")  # an allocation, not a step


# A rank that dies or stops, in the middle of exchanges that take long.
def long_run(channels, *options):
    port = free_port()
    ranks = [start(torchrun(rank, 3, port), f"--comm={channels}", "--bytes=5000000", "--rounds=1000000", *options) for rank in range(3)]
    time.sleep(1.5)
    assert all(rank.poll() is None for rank in ranks), [end(rank) for rank in ranks]
    return ranks


for channels in ("tcp", "shm"):
    ranks = long_run(channels)
    begin = time.time()
    ranks[1].kill()
    for rank in (ranks[0], ranks[2]):
        check(end(rank), 1, "error: rank 1 (host ", "ended", " in ")
    assert time.time() - begin < 5
    end(ranks[1])
    ranks = long_run(channels, "--comm-timeout=4")
    stopped = 1 if channels == "tcp" else 0
    ranks[stopped].send_signal(signal.SIGSTOP)
    begin = time.time()
    for rank in (0, 1, 2):
        if rank != stopped:
            check(end(ranks[rank]), 1, f"error: rank {stopped} (host ", "was not heard from for 4 s")
    assert time.time() - begin < 9
    ranks[stopped].kill()
    end(ranks[stopped])


def children_of(process):
    path = f"/proc/{process.pid}/task/{process.pid}/children"
    return [int(child) for child in open(path).read().split()]


def wait_until(holds, seconds=10):
    limit = time.time() + seconds
    while not holds() and time.time() < limit:
        time.sleep(0.05)
    assert holds()


def state(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "Z"


def alive(pid):
    return state(pid) != "Z"


# Those that one command started end with it and with each other.
ignoring = subprocess.run([program, "comm", "--ranks=2", "--bytes=64"], env=clean, capture_output=True, timeout=30,
                          preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
assert ignoring.returncode == 0, ignoring.stderr
run = start({}, "--ranks=2", "--bytes=5000000", "--rounds=1000000")
wait_until(lambda: len(children_of(run)) == 2)
for child in children_of(run):
    os.kill(child, signal.SIGSTOP)
wait_until(lambda: all(state(child) == "T" for child in children_of(run)))
run.send_signal(signal.SIGTERM)
time.sleep(0.5)
run.send_signal(signal.SIGTERM)  # again: now it must end
check(end(run, 10), 128 + 9)
for way in (signal.SIGKILL, signal.SIGTERM, None):
    run = start({}, "--ranks=3", "--bytes=5000000", "--rounds=1000000")
    wait_until(lambda: len(children_of(run)) == 3)
    time.sleep(0.5)
    started = children_of(run)
    if way:
        run.send_signal(way)
    else:
        os.kill(started[2], signal.SIGKILL)
    code, _, err = end(run)
    wait_until(lambda: not any(map(alive, started)))
    assert code == (-9 if way == signal.SIGKILL else 128 + 15 if way else 128 + 9), (way, code, err)
    assert way or "error: rank 2 was ended by signal 9" in err, err
wait_until(lambda: shared() < shared_before + 20000)  # rings went with those that died
