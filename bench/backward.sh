#!/usr/bin/env bash
# Do gradients in integers and in four-bit floats learn as well as those in f32? Validation loss of looplm (preset tiny) after 300 steps: f32, f32
# from weights that differ by 1e-6 of themselves (how much rounding alone moves a run), 16 and 8 bits, nvfp4, mxfp4, mxfp4 rounded to nearest
# without a transform (`plain`), and, if asked for, 8 bits rounded by chance (`chance`), with the head's gradients in bytes too (`head`) and
# both (`all`). Two runs at a time, on one thread each. About 30 minutes per seed on two cores.
# Usage: [SEEDS="0 1 2"] [KINDS="f32 moved int16 int8 chance head all nvfp4 mxfp4 plain"] bench/backward.sh [DATA [OUT]]; DATA is a prepared folder of Rust, OUT keeps logs.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${1:-run/data} out=${2:-$(mktemp -d)} compiler=build/bin/nanochat-opt
[[ -x $compiler && -e $data/tokenizer.json ]] || { echo "usage: bench/backward.sh [DATA [OUT]]; run ./nanochat train first" >&2; exit 2; }
read -ra seeds <<<"${SEEDS:-0 1 2}"
read -ra kinds <<<"${KINDS:-f32 moved int16 int8 nvfp4 mxfp4 plain}"
mkdir -p "$out"
sed 's/fp4_region format = mxfp4/& rounding = nearest hadamard = 0/' models/looplm-fp4.mlir >"$out/plain.mlir"
for kind in "${kinds[@]}"; do
  model=models/looplm.mlir backward=$kind head=f32 rounding=auto
  [[ $kind == plain ]] && model=$out/plain.mlir backward=f32
  [[ $kind == chance || $kind == all ]] && backward=int8 rounding=stochastic
  [[ $kind == head || $kind == all ]] && backward=int8 head=int8
  [[ $kind == moved ]] || "$compiler" "$model" --backward=$backward --head=$head --rounding=$rounding --target=native --emit=exe -o "$out/$kind"
done

train() { # NAME PROGRAM SEED OPTIONS...
  "$out/$2" train --data "$data" --threads 1 --seed "$3" --steps 300 --eval-every 100 --eval-batches 20 --log "$out/$1.jsonl" "${@:4}" >"$out/$1.log" 2>&1
}
loss() { sed -n 's/.*validation loss \([0-9.]*\).*/\1/p' "$out/$1.log" | tail -1; }

for seed in "${seeds[@]}"; do
  for kind in "${kinds[@]}"; do
    run="$kind.$seed $kind $seed"
    if [[ $kind == moved ]]; then
      "$out/f32" train --data "$data" --seed $seed --steps 0 --save-init "$out/init" >/dev/null 2>&1
      /usr/bin/python3 bench/perturb.py "$out/init" "$out/init.$seed"
      run="moved.$seed f32 $seed --init $out/init.$seed"
    fi
    while (($(jobs -rp | wc -l) >= 2)); do wait -n; done
    train $run &
  done
done
wait
for kind in "${kinds[@]}"; do
  echo "$kind" $(for seed in "${seeds[@]}"; do loss "$kind.$seed"; done)
done | awk '{ sum = 0; for (i = 2; i <= NF; ++i) sum += $i; mean[$1] = sum / (NF - 1); first = first ? first : $1
  printf "%s mean %.4f (%+.3f %% of %s)\n", $0, mean[$1], 100 * (mean[$1] / mean[first] - 1), first }'
