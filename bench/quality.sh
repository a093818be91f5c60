#!/usr/bin/env bash
# What update rules, and parameters and activations in fewer bits, learn of Rust in 300 steps of a micro LoopLM: validation loss, three seeds. And what FIRE does when the
# corpus changes: half of the steps on C++ headers, half on Rust, with and without it between them. About 55 minutes.
# Usage: bench/quality.sh [DATA [OUT]]; DATA is a prepared folder of Rust, OUT keeps logs and pictures.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${1:-run/data} out=${2:-$(mktemp -d)} compiler=build/bin/nanochat-opt headers=/usr/include/c++
[[ -x $compiler && -e $data/tokenizer.json ]] || { echo "usage: bench/quality.sh [DATA [OUT]]; run ./nanochat train first" >&2; exit 2; }
mkdir -p "$out"

build() { # NAME [RULES | OPTIONS]...
  local options=()
  for rule in "${@:2}"; do [[ $rule == --* ]] && options+=("$rule") || options+=(--optimizer "$rule"); done
  "$compiler" models/looplm.mlir --set layers=2,n_loops=2,seq=128,batch=8 "${options[@]}" --target=native --emit=exe -o "$out/$1.exe"
}
train() { # LOG PROGRAM SEED OPTIONS...: what the run says at its end
  "$out/$2.exe" train --threads 1 --seed "$3" --steps 300 --eval-every 100 --eval-batches 20 --log "$out/$1.jsonl" "${@:4}" >"$out/$1.log" 2>&1
  sed -n 's/.*validation loss \([0-9.]*\).*/\1/p' "$out/$1.log" | tail -1
}
row() { # NAME LOSS...
  awk -v n="$1" 'BEGIN { for (i = 1; i < ARGC; ++i) s += ARGV[i]; printf "%-22s", n; for (i = 1; i < ARGC; ++i) printf " %8s", ARGV[i]
    printf " %8.4f\n", s / (ARGC - 1) }' "${@:2}"
}

declare -A rates=([muon]=0.008 [muon8]=0.008 [adamw]=0.004 [galore]=0.004 [foam]=0.004 [muon8-adamw8]=0.008 [muon-bf16]=0.008 [muon-bf16-stream]=0.008 [muon-int8]=0.008)
build muon
build muon8 matrix=muon8
build adamw matrix=adamw
build galore matrix=galore:rank=128:clip=projected:lr=0.016
build foam matrix=foam:level=2:lr=0.016
build muon8-adamw8 matrix=muon8 embedding=adamw8
build muon-bf16 --masters=matrix=bf16,embedding=bf16
build muon-bf16-stream --masters=matrix=bf16,embedding=bf16 --stream=layers=bf16
build muon-int8 --masters=matrix=int8,embedding=bf16

printf '%-22s %8s %8s %8s %8s\n' rule 'seed 0' 'seed 1' 'seed 2' mean
for name in muon muon8 adamw galore foam muon8-adamw8 muon-bf16 muon-bf16-stream muon-int8; do
  losses=()
  for seed in 0 1 2; do losses+=("$(train "$name-$seed" "$name" $seed --data "$data" --lr "${rates[$name]}")"); done
  row "$name" "${losses[@]}"
done

# Learning rates rise and fall within each half: a second half that goes on at the low rate learns nothing either way.
"$out/adamw.exe" data prepare $headers --ext h,hpp,tcc --tokenizer "$data/tokenizer.json" -o "$out/headers" >/dev/null
for seed in 0 1 2; do
  train "first-$seed" adamw $seed --data "$out/headers" --lr 0.004 --save "$out/first-$seed.safetensors" >/dev/null
  plain+=("$(train "plain-$seed" adamw $seed --data "$data" --lr 0.004 --init "$out/first-$seed.safetensors")")
  fire+=("$(train "fire-$seed" adamw $seed --data "$data" --lr 0.004 --init "$out/first-$seed.safetensors" --at 0:fire)")
done
row 'C++ then Rust' "${plain[@]}"
row 'with FIRE between' "${fire[@]}"
"$out/adamw.exe" plot "$out"/{muon,muon8,adamw,galore,foam}-0.jsonl -o "$out/optimizers.svg"
"$out/adamw.exe" plot "$out"/{adamw,plain,fire}-0.jsonl -o "$out/fire.svg"
