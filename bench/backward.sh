#!/usr/bin/env bash
# Do gradients in 16-bit integers learn as well as those in f32? Validation loss of looplm (preset tiny) after 300 steps, three seeds: f32, f32
# from weights that differ by 1e-6 of themselves (how much rounding alone moves a run), 16 bits. Two runs at a time, on one thread each.
# About 40 minutes. Usage: bench/backward.sh [DATA [OUT]]; DATA is a prepared folder of Rust, OUT keeps logs.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${1:-run/data} out=${2:-$(mktemp -d)} compiler=build/bin/nanochat-opt
[[ -x $compiler && -e $data/tokenizer.json ]] || { echo "usage: bench/backward.sh [DATA [OUT]]; run ./nanochat train first" >&2; exit 2; }
mkdir -p "$out"
for backward in f32 int16; do
  "$compiler" models/looplm.mlir --backward=$backward --target=native --emit=exe -o "$out/$backward"
done

perturb() { # FROM TO: multiplies every f32 of a safetensors file by 1 ± 1e-6
  /usr/bin/python3 - "$@" <<'PYTHON'
import struct, sys
import numpy as np
raw = open(sys.argv[1], "rb").read()
start = 8 + struct.unpack("<Q", raw[:8])[0]
values = np.frombuffer(raw[start:], np.float32)
signs = np.random.default_rng(0).choice(np.float32([-1, 1]), values.size)
open(sys.argv[2], "wb").write(raw[:start] + (values * (1 + np.float32(1e-6) * signs)).astype(np.float32).tobytes())
PYTHON
}

train() { # NAME PROGRAM SEED OPTIONS...
  "$out/$2" train --data "$data" --threads 1 --seed "$3" --steps 300 --eval-every 100 --eval-batches 20 --log "$out/$1.jsonl" "${@:4}" >"$out/$1.log" 2>&1
}
loss() { sed -n 's/.*validation loss \([0-9.]*\).*/\1/p' "$out/$1.log" | tail -1; }

for seed in 0 1 2; do
  "$out/f32" train --data "$data" --seed $seed --steps 0 --save-init "$out/init" >/dev/null 2>&1
  perturb "$out/init" "$out/init.$seed"
  for run in "f32.$seed f32 $seed" "moved.$seed f32 $seed --init $out/init.$seed" "int16.$seed int16 $seed"; do
    while (($(jobs -rp | wc -l) >= 2)); do wait -n; done
    train $run &
  done
done
wait
for kind in f32 moved int16; do
  echo "$kind $(loss $kind.0) $(loss $kind.1) $(loss $kind.2)"
done | awk '{ mean[$1] = ($2 + $3 + $4) / 3; printf "%-6s %s %s %s mean %.4f (%+.3f %% of f32)\n", $1, $2, $3, $4, mean[$1], 100 * (mean[$1] / mean["f32"] - 1) }'
