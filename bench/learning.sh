#!/usr/bin/env bash
# What techniques of architecture and tokens learn: validation loss of looplm (preset tiny) after 300 steps, three seeds: plain, from weights that
# differ by 1e-6 of themselves (how much rounding alone moves a run), token filtering with .8 and .6 of the tokens, the latter also for as
# long as plain takes (`same`: --steps in proportion to tokens per second), with tokens scored by how much more they cost than the trained plain model says (`reference`, and
# `reference-same` for as long), multi-token prediction (its main head), hyper-connections (mHC, mHC-lite, plain), and
# of these the composite gain of their matrices at the end. Two runs at a time, on one thread each. About 50 minutes per seed on two cores.
# Usage: [SEEDS="0 1 2"] [KINDS="plain moved keep8 keep6 same reference reference-same mtp mhc lite none"] bench/learning.sh [DATA [OUT]]; DATA is a prepared folder of Rust, OUT keeps logs.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${1:-run/data} out=${2:-$(mktemp -d)} compiler=build/bin/nanochat-opt
[[ -x $compiler && -e $data/tokenizer.json ]] || { echo "usage: bench/learning.sh [DATA [OUT]]; run ./nanochat train first" >&2; exit 2; }
read -ra seeds <<<"${SEEDS:-0 1 2}"
read -ra kinds <<<"${KINDS:-plain moved keep8 keep6 same reference reference-same mtp mhc lite none}"
mkdir -p "$out"
source bench/streams.sh
streams_models "$out"
sed 's/^  nanochat.objective "train".*/  %reference = nanochat.token_values "reference" like %h0\n  %excess = arith.subf %last_nll, %reference : tensor<?xf32>\n  nanochat.objective "train" %loss filter(%excess keep = keep)/' \
  models/looplm.mlir >"$out/reference.mlir"
declare -A model=([reference]=$out/reference.mlir [reference-same]=$out/reference.mlir [mtp]=models/looplm-mtp.mlir [mhc]=models/looplm-mhc.mlir [lite]=$out/lite.mlir [none]=$out/none.mlir)
declare -A keep=([keep8]=0.8 [keep6]=0.6 [same]=0.6 [reference]=0.6 [reference-same]=0.6)
for kind in plain "${kinds[@]}"; do
  [[ $kind == moved || -e $out/$kind ]] || "$compiler" "${model[$kind]:-models/looplm.mlir}" --set "keep=${keep[$kind]:-1.0}" --target=native --emit=exe -o "$out/$kind"
done

train() { # NAME PROGRAM SEED STEPS OPTIONS...
  "$out/$2" train --data "$data" --threads 1 --seed "$3" --steps "$4" --eval-every 100 --eval-batches 20 --save "$out/$1.end" --log "$out/$1.jsonl" "${@:5}" >"$out/$1.log" 2>&1
}
value() { sed -n "s/.*\"$2\": *\([0-9.]*\).*/\1/p" "$out/$1.jsonl"; } # NAME KEY: all there are
rate() { value "$1" tok_s | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

for seed in "${seeds[@]}"; do
  for kind in "${kinds[@]}"; do
    run="$kind.$seed $kind $seed 300"
    if [[ $kind == moved ]]; then
      "$out/plain" train --data "$data" --seed "$seed" --steps 0 --save-init "$out/init" >/dev/null 2>&1
      /usr/bin/python3 bench/perturb.py "$out/init" "$out/init.$seed"
      run="moved.$seed plain $seed 300 --init $out/init.$seed"
    elif [[ $kind == *same ]]; then
      wait # for the speeds of this seed's plain and filtered runs
      run="$kind.$seed $kind $seed $(awk -v a="$(rate "keep6.$seed")" -v b="$(rate "plain.$seed")" 'BEGIN { printf "%.0f", 300 * a / b }')"
    fi
    if [[ $kind == reference* ]]; then
      [[ -e $out/losses.$seed ]] || { wait; "$out/plain" score --data "$data" --init "$out/plain.$seed.end" --out "$out/losses.$seed" >/dev/null; }
      run+=" --reference $out/losses.$seed"
    fi
    while (($(jobs -rp | wc -l) >= 2)); do wait -n; done
    train $run &
  done
done
wait

echo "validation, bits per byte of the main head, seeds ${seeds[*]}"
for kind in "${kinds[@]}"; do
  echo "$kind" $(for seed in "${seeds[@]}"; do value "$kind.$seed" val_bpb | tail -1; done)
done | awk '{ sum = 0; for (i = 2; i <= NF; ++i) sum += $i; mean = sum / (NF - 1); base = base ? base : mean
  printf "%s mean %.4f (%+.2f %%)\n", $0, mean, 100 * (mean / base - 1) }'
[[ ! -e $out/same.${seeds[0]}.jsonl ]] || echo "same: $(for seed in "${seeds[@]}"; do value "same.$seed" step | tail -1; done | xargs) steps"
for kind in mhc lite none; do
  [[ -e $out/$kind.${seeds[0]}.end ]] || continue
  rm -rf "$out/step"
  "$out/$kind" train --data "$data" --init "$out/$kind.${seeds[0]}.end" --steps 1 --eval-every 0 --dump-dispatches "$out/step" >/dev/null 2>&1
  echo "$kind, composite gain: $(/usr/bin/python3 bench/composite_gain.py "$out/step" 4 6 4)"
done
