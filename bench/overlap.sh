#!/usr/bin/env bash
# How much of the exchanges of two ranks is hidden: two hosts, as namespaces with a wire between them, a core each, which moves the bytes, too. The wire has
# a limit, so that exchanges take a third of a step, half of its backward pass, with overlap and without. What is exposed is what a step takes
# longer than the same work of one process that exchanges nothing.
# Usage: bench/overlap.sh gpt2|looplm-384 [STEPS]
set -euo pipefail
cd "$(dirname "$0")/.."
model=$1 steps=${2:-5} compiler=build/bin/nanochat-opt
if [[ -z ${NANOCHAT_HOSTS:-} ]]; then
  grep -m1 'model name' /proc/cpuinfo
  NANOCHAT_HOSTS=1 exec unshare -Urnu "$0" "$model" "$steps"
fi
folder=$(mktemp -d)
unshare -nu sleep infinity & # keeps the other host
other=$!
trap 'kill $other; rm -rf "$folder"' EXIT
until [[ $(readlink /proc/$other/ns/net) != "$(readlink /proc/self/ns/net)" ]]; do sleep 0.1; done
on_a() { "$@"; }
on_b() { nsenter -t $other -n -u "$@"; }
hostname a
on_b hostname b
ip link add name wire type veth peer name wire netns $other
on_a ip addr add 10.1.0.1/24 dev wire
on_b ip addr add 10.1.0.2/24 dev wire
for host in a b; do on_$host ip link set lo up && on_$host ip link set wire up; done
export WORLD_SIZE=2 MASTER_ADDR=10.1.0.1 MASTER_PORT=29513

seq 200000 | tr -dc '0-9\n' >"$folder/text.rs"
source=(bench/looplm.mlir --set "d=${model#looplm-}")
[[ $model != gpt2 ]] || source=(models/gpt2-124m.mlir --set seq=256)
compile() { "$compiler" "${source[@]}" --target=native --emit=exe -o "$folder/$1" "${@:2}"; }
compile alone --set batch=2
for overlap in on off; do compile $overlap --set batch=4 --ranks=2 --overlap=$overlap; done

options=(train --data "$folder/text.rs" --steps "$steps" --eval-every 0 --threads 1)
median() { # TOKENS: seconds of a step
  python3 -c "import json, statistics
speeds = [row['tok_s'] for row in map(json.loads, open('$folder/log')) if 'tok_s' in row]
print($1 / statistics.median(speeds[1:]))"
}
run() { # PROGRAM: seconds of a step on two ranks
  RANK=1 on_b taskset -c 1 "$folder/$1" "${options[@]}" --log "$folder/other" --count-bytes --comm tcp >"$folder/b" 2>&1 &
  local b=$!
  RANK=0 taskset -c 0 "$folder/$1" "${options[@]}" --log "$folder/log" --count-bytes --comm tcp >"$folder/a" 2>&1 || cat "$folder"/{a,b} >&2
  wait $b
  median 1024
}
env -u WORLD_SIZE taskset -c 1 "$folder/alone" "${options[@]}" --log "$folder/other" >/dev/null & # so that both cores are as busy
env -u WORLD_SIZE taskset -c 0 "$folder/alone" "${options[@]}" --log "$folder/log" >/dev/null
wait %2
free=$(median 512)
wire=$(run on)
bytes=$(sed -n 's/.*bytes sent per step: \([0-9]*\).*/\1/p' "$folder/a")
read -r exchange rate <<<"$(awk "BEGIN { e = $free / 3; print e, int($bytes / e) }")"
for host in a b; do on_$host tc qdisc add dev wire root tbf rate "${rate}bps" burst 1mb latency 200ms; done
awk "BEGIN { printf \"%s: %d bytes of a rank and step; %.2f s a step of one process alone, %.2f s without a limit; on a wire of %.1f MB/s, where exchanges take %.2f s:\\n\", \
  \"$model\", $bytes, $free, $wire, $rate / 1e6, $exchange }"
for overlap in on off; do
  seconds=$(run $overlap)
  awk "BEGIN { printf \"  --overlap=%-3s  %.2f s a step: %.2f s of the exchanges are exposed, %.0f %%\\n\", \"$overlap\", $seconds, $seconds - $free, 100 * ($seconds - $free) / $exchange }"
done
