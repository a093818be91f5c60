#!/usr/bin/env bash
# All of the CPU's measurements: peaks, matrix products, kernels of a step under the roofline (bench/roofline.svg), attention on long
# sequences, whole steps against PyTorch. Nothing else should run meanwhile. Takes an hour on two cores, most of it PyTorch's.
# Peers are optional: libdnnl-dev, python3-numpy, python3-torch, libopenblas0-openmp, and $TORCH_PYTHON, a Python with a current
# torch. Usage: bench/cpu.sh [THREADS]
set -euo pipefail
cd "$(dirname "$0")/.."
threads=${1:-$(nproc)} compiler=build/bin/nanochat-opt
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
c++ -std=c++17 -O3 -march=native bench/peaks.cpp -o "$folder/peaks" -pthread
"$folder/peaks" "$threads" >"$folder/peaks.txt"
seq 200000 | tr -dc '0-9\n' >"$folder/text.rs"

profile() { # MODEL OPTIONS...
  "$compiler" "$1" --target=native "${@:2}" --emit=exe -o "$folder/program"
  taskset -c "0-$((threads - 1))" "$folder/program" train --data "$folder/text.rs" --steps 5 --eval-every 0 --threads "$threads" --profile >"$folder/profile.txt"
}

sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1
awk '{ printf "%s %.0f G/s\n", $1, $2 / 1e9 }' "$folder/peaks.txt"
echo && echo "== products" && bench/gemm.sh "$threads"
for dim in 384 768; do
  echo && echo "== kernels of looplm-$dim" && profile bench/looplm.mlir --set d=$dim
  /usr/bin/env python3 bench/kernels.py "$folder/profile.txt" "$folder/peaks.txt" -o bench/roofline.svg --title "looplm-$dim, a training step on $threads cores"
done
echo && echo "== kernels of gpt2-124m" && profile models/gpt2-124m.mlir --set batch=4,seq=256
/usr/bin/env python3 bench/kernels.py "$folder/profile.txt" "$folder/peaks.txt"
echo && echo "== attention, T 1024, D 64" && profile models/gpt2-124m.mlir --set batch=1,seq=1024,layers=2
awk -v peak="$(awk '$1 == "f32" { print $2 / 1e9 }' "$folder/peaks.txt")" '/ attention_/ { printf "%s %.0f Gop/s, %.0f %% of f32\n", $7, $4, 100 * $4 / peak }' "$folder/profile.txt"
for model in looplm-384 looplm-768 gpt2; do
  echo && echo "== steps" && bench/steps.sh $model "$threads"
done
