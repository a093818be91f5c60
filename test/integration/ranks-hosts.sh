#!/usr/bin/env bash
# ranks-hosts.sh PROGRAM FOLDER, within `unshare -Urnu`: two hosts, a and b, as namespaces with a wire between them; ranks of both exchange bytes over TCP, and
# end in time where the wire breaks.
set -euo pipefail
program=$1 folder=$2
hostname a
unshare -nu sleep 120 &
other=$!
trap 'kill $other' EXIT
until [[ $(readlink /proc/$other/ns/net) != "$(readlink /proc/self/ns/net)" ]]; do sleep 0.1; done
on_b() { nsenter -t $other -n -u "$@"; }
on_b hostname b
ip link set lo up
ip link add name wire type veth peer name wire netns $other
ip addr add 10.1.0.1/24 dev wire && ip link set wire up
on_b ip addr add 10.1.0.2/24 dev wire && on_b ip link set wire up && on_b ip link set lo up
export WORLD_SIZE=3 MASTER_ADDR=10.1.0.1 MASTER_PORT=29511

start() { # OPTIONS...: ranks 0 and 2 here, 1 there
  RANK=0 "$program" comm "$@" >"$folder/0" 2>&1 &
  ranks=($!)
  RANK=1 on_b "$program" comm "$@" >"$folder/1" 2>&1 &
  ranks+=($!)
  RANK=2 "$program" comm "$@" >"$folder/2" 2>&1 &
  ranks+=($!)
}
end() { # CODE: all end with it
  for rank in "${ranks[@]}"; do
    code=0
    wait "$rank" || code=$?
    [[ $code == "$1" ]] || { echo "found exit code $code, expected $1"; cat "$folder"/{0,1,2}; exit 1; }
  done
}
expect() { # RANK TEXT
  grep -qF -- "$2" "$folder/$1" || { echo "expected of rank $1: $2"; cat "$folder/$1"; exit 1; }
}

start --bytes=100003
end 0
expect 0 "3 ranks over TCP; every byte came as it was sent" # of two hosts, no memory is shared

start --comm=shm
end 2
expect 1 "error: --comm=shm: the ranks are of several hosts, which share no memory"

start --bytes=5000000 --rounds=1000000 --comm-timeout=4
sleep 2
ip link set wire down
begin=$SECONDS
end 1
((SECONDS - begin < 9))
expect 0 "rank 1 (host b) was not heard from for 4 s"
expect 1 "was not heard from for 4 s"
