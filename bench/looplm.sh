#!/usr/bin/env bash
# Training speed of looplm-384.mlir against the same model in PyTorch, on this machine: five rounds that take
# turns, medians, ratios. Wants python3-torch and libopenblas0-openmp (Debian), else times only ours.
set -euo pipefail
cd "$(dirname "$0")/.."

compiler=build/bin/nanochat-opt data=${1:-run/rust} rounds=5 steps=8
[[ -x $compiler && -e $data ]] || { echo "usage: bench/looplm.sh [TEXT]; run ./nanochat train first" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$compiler" bench/looplm-384.mlir --target=native --emit=exe -o "$folder/looplm"

# Tokens per second, compiled by us; the median of the steps behind the first two.
ours() { # THREADS
  "$folder/looplm" train --data "$data" --steps $steps --eval-every 0 --threads "$1" --log "$folder/log" >/dev/null 2>&1
  sed -n 's/.*"tok_s": *\([0-9.]*\).*/\1/p' "$folder/log" | tail -n +3 | median
}

# OpenBLAS knows neither every CPU nor OpenMP by default; without these two settings the peer is slower.
torch() { # THREADS
  LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/openblas-openmp OPENBLAS_CORETYPE=$core OMP_NUM_THREADS=$1 \
    /usr/bin/python3 bench/looplm_torch.py --threads "$1"
}

median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.0f\n", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

core=Haswell
grep -q avx512dq /proc/cpuinfo && core=SkylakeX
contestants=(ours)
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then contestants+=(torch); fi

for ((round = 0; round < rounds; ++round)); do
  for who in "${contestants[@]}"; do
    for threads in 1 2; do "$who" $threads >>"$folder/$who.$threads"; done
  done
done

sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1
printf '%-8s %10s %10s %10s   tokens per second, median of %d rounds\n' '' '1 thread' '2 threads' scaling $rounds
for who in "${contestants[@]}"; do
  one=$(median <"$folder/$who.1") two=$(median <"$folder/$who.2")
  printf '%-8s %10s %10s %10s\n' "$who" "$one" "$two" "$(awk "BEGIN { printf \"%.2f\", $two / $one }")"
done
[[ ${#contestants[@]} == 2 ]] || exit 0
awk -v a="$(median <"$folder/ours.1")" -v b="$(median <"$folder/torch.1")" \
  -v c="$(median <"$folder/ours.2")" -v d="$(median <"$folder/torch.2")" \
  'BEGIN { printf "%-8s %10.2f %10.2f\n", "ratio", a / b, c / d }'
