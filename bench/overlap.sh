#!/usr/bin/env bash
# How much of the exchanges of two ranks is hidden: two hosts, as namespaces with a wire between them, a core each; the same step on a wire without a
# limit, and on one on which exchanges take a third of a step, half of its backward pass, with overlap and without.
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
for host in a b; do
  on_$host ip link set lo up
  on_$host ip addr add 10.1.0.$((1 + (host == b)))/24 dev wire
  on_$host ip link set wire up
done
export WORLD_SIZE=2 MASTER_ADDR=10.1.0.1 MASTER_PORT=29513

seq 200000 | tr -dc '0-9\n' >"$folder/text.rs"
source=(bench/looplm.mlir --set "d=${model#looplm-}")
[[ $model != gpt2 ]] || source=(models/gpt2-124m.mlir --set batch=4,seq=256)
for overlap in on off; do "$compiler" "${source[@]}" --ranks=2 --overlap=$overlap --target=native --emit=exe -o "$folder/$overlap"; done

run() { # PROGRAM: seconds of a step, the median
  local options=(train --data "$folder/text.rs" --steps "$steps" --eval-every 0 --threads 1 --count-bytes --comm tcp)
  RANK=1 on_b taskset -c 1 "$folder/$1" "${options[@]}" >"$folder/b" 2>&1 &
  local b=$!
  RANK=0 taskset -c 0 "$folder/$1" "${options[@]}" --log "$folder/log" >"$folder/a" 2>&1 || cat "$folder"/{a,b} >&2
  wait $b
  python3 - "$folder/log" <<'END'
import json, statistics, sys
speeds = [row["tok_s"] for row in map(json.loads, open(sys.argv[1])) if "tok_s" in row]
print(1024 / statistics.median(speeds[1:]))
END
}
free=$(run on)
bytes=$(sed -n 's/.*bytes sent per step: \([0-9]*\).*/\1/p' "$folder/a")
read -r exchange rate <<<"$(awk "BEGIN { e = $free / 3; print e, int($bytes / e) }")"
for host in a b; do on_$host tc qdisc add dev wire root tbf rate "${rate}bps" burst 1mb latency 200ms; done
awk "BEGIN { printf \"%s: %d bytes of a rank and step; %.2f s a step without a limit; on a wire of %.1f MB/s, where exchanges take %.2f s:\\n\", \
  \"$model\", $bytes, $free, $rate / 1e6, $exchange }"
for overlap in on off; do
  seconds=$(run $overlap)
  awk "BEGIN { printf \"  --overlap=%-3s  %.2f s a step: %.2f s of the exchanges are exposed, %.0f %%\\n\", \"$overlap\", $seconds, $seconds - $free, 100 * ($seconds - $free) / $exchange }"
done
