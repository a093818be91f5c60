#!/usr/bin/env bash
# Whole training steps of one model against PyTorch, on the same cores: rounds that take turns, medians of tokens per second, peak
# memory. The current PyTorch is that of $TORCH_PYTHON (a Python with torch from PyPI); Debian's is python3-torch with
# libopenblas0-openmp, told which CPU it has, as it does not know by itself. What is missing is left out.
# Usage: bench/steps.sh looplm-384|looplm-768|gpt2 [THREADS] [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
model=$1 threads=${2:-$(nproc)} rounds=${3:-3} steps=6
compiler=build/bin/nanochat-opt cpus=0-$((threads - 1)) core=Haswell
grep -q avx512dq /proc/cpuinfo && core=SkylakeX
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
seq 200000 | tr -dc '0-9\n' >"$folder/text.rs"

median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.0f\n", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

build() { # NAME OPTIONS...
  local name=$1 source=(bench/looplm.mlir --set "d=${model#looplm-}")
  shift
  [[ $model != gpt2 ]] || source=(models/gpt2-124m.mlir --set batch=4,seq=256)
  "$compiler" "${source[@]}" "$@" --emit=exe -o "$folder/$name"
}

# A contestant prints "tokens-per-second MiB".
ours() { # NAME
  taskset -c "$cpus" "$folder/$1" train --data "$folder/text.rs" --steps $steps --eval-every 0 --threads "$threads" --log "$folder/log" >"$folder/out" 2>&1
  echo "$(sed -n 's/.*"tok_s": *\([0-9.]*\).*/\1/p' "$folder/log" | tail -n +3 | median) $(sed -n 's/.* \([0-9.]*\) \([KMG]iB\) resident.*/\1 \2/p' "$folder/out" | awk '{ print $2 == "GiB" ? $1 * 1024 : $1 }')"
}
peer=("${model%-*}")
[[ $model == gpt2 ]] || peer+=(--dim "${model#looplm-}")
current() { OMP_NUM_THREADS=$threads taskset -c "$cpus" "$TORCH_PYTHON" bench/peer_torch.py "${peer[@]}" --threads "$threads" "$@"; }
debian() {
  LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/openblas-openmp OPENBLAS_CORETYPE=$core OMP_NUM_THREADS=$threads taskset -c "$cpus" \
    /usr/bin/python3 bench/peer_torch.py "${peer[@]}" --threads "$threads" "$@"
}

declare -A run
order=()
enter() { order+=("$1") && run[$1]=$2; }
build f32 --target=native && enter 'nanochat f32' 'ours f32'
if grep -q avx512_bf16 /proc/cpuinfo; then build bf16 --target=native --dense=bf16 && enter 'nanochat bf16' 'ours bf16'; fi
build v3 --target=x86-64-v3 && enter 'nanochat x86-64-v3' 'ours v3'
if [[ $model != gpt2 ]]; then
  dense=f32
  grep -q avx512_bf16 /proc/cpuinfo && dense=bf16
  for backward in int8 mxfp4; do
    build $backward --target=native --dense=$dense --backward=$backward && enter "nanochat $dense, gradients in $backward" "ours $backward"
  done
  build head --target=native --dense=$dense --backward=int8 --head=int8 && enter "nanochat $dense, gradients in int8, the head's too" 'ours head'
  build v3.mxfp4 --target=x86-64-v3 --backward=mxfp4 && enter 'nanochat x86-64-v3, gradients in mxfp4' 'ours v3.mxfp4'
  build v3.head --target=x86-64-v3 --backward=int8 --head=int8 && enter "nanochat x86-64-v3, gradients in int8, the head's too" 'ours v3.head'
  build v3.int8 --target=x86-64-v3 --backward=int8 && enter 'nanochat x86-64-v3, gradients in int8' 'ours v3.int8'
fi
if [[ -n ${TORCH_PYTHON:-} ]]; then
  version=$("$TORCH_PYTHON" -c 'import torch; print(torch.__version__)')
  for variant in '' '--bf16' '--compile' '--compile --bf16' '--compile --bf16 --dense'; do
    [[ $model == gpt2 && $variant == *dense ]] || enter "PyTorch $version $variant" "current $variant"
  done
fi
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
  enter 'PyTorch 1.13 (Debian)' debian
  [[ $model == gpt2 ]] || enter 'PyTorch 1.13 (Debian) --dense' 'debian --dense'
fi

for ((round = 0; round < rounds; ++round)); do
  for who in "${order[@]}"; do ${run[$who]} 2>/dev/null >>"$folder/rates.$who" || true; done
done
printf '%-44s %8s %10s   %s, %d threads, median of %d rounds\n' '' tok/s 'peak MiB' "$model" "$threads" "$rounds"
for who in "${order[@]}"; do
  printf '%-44s %8s %10s\n' "$who" "$(awk '{ print $1 }' "$folder/rates.$who" | median)" "$(awk '{ print $2 }' "$folder/rates.$who" | median)"
done
