#!/usr/bin/env bash
# Two ranks of one thread against one rank of two, on the same two cores and the same step: rounds that take turns, medians of tokens per
# second; memory as planned and as used; bytes as planned and as sent; the time of exchanges as predicted from what `comm` measures.
# Usage: bench/ranks.sh looplm-384|gpt2 [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
model=$1 rounds=${2:-3} steps=6 compiler=build/bin/nanochat-opt
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
seq 200000 | tr -dc '0-9\n' >"$folder/text.rs"
source=(bench/looplm.mlir --set "d=${model#looplm-}")
[[ $model != gpt2 ]] || source=(models/gpt2-124m.mlir --set batch=4,seq=256)
median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.1f\n", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

declare -A options=([one]="" [two]=--ranks=2 [off]="--ranks=2 --overlap=off" [shared]="--ranks=2 --shard=states" [apart]="--ranks=2 --shard=weights")
for name in one two off shared apart; do "$compiler" "${source[@]}" ${options[$name]} --target=native --emit=exe -o "$folder/$name"; done

run() { # NAME
  local ranks=(--threads 2)
  [[ $1 == one ]] || ranks=(--threads 1 --ranks=2 --count-bytes)
  taskset -c 0-1 "$folder/$1" train --data "$folder/text.rs" --steps $steps --eval-every 0 "${ranks[@]}" --measure-memory --log "$folder/log" >"$folder/$1.out" 2>&1
  sed -n 's/.*"tok_s": *\([0-9.]*\).*/\1/p' "$folder/log" | tail -n +3 | median >>"$folder/$1.speeds"
}
for _ in $(seq "$rounds"); do for name in one two off shared apart; do run $name; done; done

grep -m1 'model name' /proc/cpuinfo
base=$(median <"$folder/one.speeds")
for name in one two off shared apart; do
  speed=$(median <"$folder/$name.speeds")
  printf '%-8s %10s tok/s  %5.3f of one rank of two threads\n' $name "$speed" "$(awk "BEGIN { print $speed / $base }")"
  grep -E 'memory: planned|bytes sent' "$folder/$name.out" | sed 's/^/         /'
done
"$folder/two" comm --ranks=2 --json >"$folder/comm.json"
link=$(python3 -c "import json; c = json.load(open('$folder/comm.json')); print('%gus,%dB' % (1e6 * c['latency_s'], c['bytes_per_s']))")
for name in two shared apart; do
  "$compiler" "${source[@]}" ${options[$name]} --target=native --plan=json --network="$link" |
    python3 -c "import json, sys; c = json.load(sys.stdin)['communication']; print('$name', '$link', {k: v for k, v in c.items() if k != 'scaling'})"
done
"$compiler" "${source[@]}" --target=native --plan --network="$link" | sed -n '/the same step on more ranks/,/^$/p'
