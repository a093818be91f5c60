#!/usr/bin/env bash
# What update rules reach of this machine: rules that go element by element of the memory bandwidth, Newton-Schulz of
# the multiply-adds, both measured in the same process. Usage: bench/optimizers.sh [THREADS]
set -euo pipefail
cd "$(dirname "$0")/.."
threads=${1:-$(nproc)}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

run() { # ENTRY RULES...: prints seconds, bytes/s, flops/s
  local entry=$1 options=()
  for rule in "${@:2}"; do options+=(--optimizer "$rule"); done
  build/bin/nanochat-opt bench/optimizers.mlir --target=native "${options[@]}" --emit=obj -o "$folder/program.o"
  c++ -std=c++17 -O3 -march=native -I. bench/optimizers.cpp "$folder/program.o" build/runtime/libnanochat_runtime.a -o "$folder/program" -pthread -lm
  "$folder/program" "$entry" "$threads"
}

read -r seconds bytes flops < <(run elements.update embedding=sgd)
sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1
awk -v b="$bytes" -v f="$flops" -v t="$threads" 'BEGIN { printf "%d threads, %.1f GB/s, %.0f GF/s\n", t, b / 1e9, f / 1e9 }'
printf '%-22s %10s %8s %10s\n' rule ms GB/s 'of peak'
while read -r rule perElement; do
  read -r seconds bytes flops < <(run elements.update "embedding=$rule")
  awk -v r="$rule" -v n="$perElement" -v s="$seconds" -v b="$bytes" 'BEGIN {
    rate = n * 33554432 / s; printf "%-22s %10.1f %8.1f %9.0f%%\n", r, 1e3 * s, rate / 1e9, 100 * rate / b }'
done <<'RULES'
sgd 12
adamw 28
adamw8 16.06
lion 20
foam:level=2 16
foam:level=4 13
RULES
# Newton-Schulz on 4 matrices each of 1024x1024, 2816x1024 and 1024x2816: 5 steps of 4r²c + 2r³ operations.
work=$(awk 'BEGIN { r = 1024; print 4 * 5 * ((4 * r * r * 1024 + 2 * r * r * r) + 2 * (4 * r * r * 2816 + 2 * r * r * r)) }')
for rule in muon muon8; do
  read -r seconds bytes flops < <(run matrices.update "matrix=$rule")
  awk -v r="$rule" -v w="$work" -v s="$seconds" -v f="$flops" 'BEGIN {
    printf "%-22s %10.1f %8.0f GF/s %5.0f%% of multiply-adds\n", r, 1e3 * s, w / s / 1e9, 100 * w / s / f }'
done
