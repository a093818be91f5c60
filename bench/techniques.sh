#!/usr/bin/env bash
# What techniques of architecture cost: whole training steps of looplm at width 768 with multi-token prediction (three more heads) and with four
# residual streams (mHC, mHC-lite, plain hyper-connections) against the same model without, in rounds that take turns; medians of tokens per second, what
# --plan says a token takes, and peak memory.
# Then token filtering (bench/collider.sh); what all of them learn is bench/learning.sh's. About 25 minutes on two cores.
# Usage: bench/techniques.sh [THREADS] [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
threads=${1:-$(nproc)} rounds=${2:-3} compiler=build/bin/nanochat-opt steps=6
[[ -x $compiler ]] || { echo "usage: bench/techniques.sh [THREADS] [ROUNDS]; run ./nanochat build first" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
seq 200000 | tr -dc '0-9\n' >"$folder/text.rs"
size="d=768,layers=4,batch=1,seq=512"

source bench/streams.sh
streams_models "$folder"
declare -A model=([plain]=models/looplm.mlir [mtp]=models/looplm-mtp.mlir [mhc]=models/looplm-mhc.mlir [lite]=$folder/lite.mlir [none]=$folder/none.mlir)
order=(plain mtp mhc lite none)
for name in "${order[@]}"; do
  "$compiler" "${model[$name]}" --target=native --set "$size" --emit=exe -o "$folder/$name"
  "$compiler" "${model[$name]}" --target=native --set "$size" --plan=json >"$folder/$name.json"
done

for ((round = 0; round < rounds; ++round)); do
  for name in "${order[@]}"; do
    "$folder/$name" train --data "$folder/text.rs" --steps $steps --eval-every 0 --threads "$threads" --log "$folder/log" >"$folder/$name.out" 2>&1
    sed -n 's/.*"tok_s": *\([0-9.]*\).*/\1/p' "$folder/log" | tail -n +3 >>"$folder/$name.rates"
    rm -f "$folder/log"
  done
done

grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //' || true
echo "looplm, $size, $threads threads, $rounds rounds of $steps steps"
for name in "${order[@]}"; do
  median=$(sort -g "$folder/$name.rates" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }')
  flops=$(/usr/bin/python3 -c 'import json, sys; plan = json.load(open(sys.argv[1])); print((plan["operations"]["train.gradients"] + plan["operations"]["train.update"]) // 512)' "$folder/$name.json")
  memory=$(sed -n 's/^memory: //p' "$folder/$name.out")
  echo "$name $median $flops $memory"
done | awk '{ base = base ? base : $2; work = work ? work : $3; name = $1; rate = $2; flops = $3; $1 = $2 = $3 = ""
  printf "%-6s %7.0f tok/s  %+6.1f %% time  %+6.1f %% operations (%.0f M/token, updates included) %s\n", name, rate, 100 * (base / rate - 1), 100 * (flops / work - 1), flops / 1e6, $0 }'

bench/collider.sh "$threads" "$rounds"
