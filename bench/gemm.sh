#!/usr/bin/env bash
# Rates of generated matrix products, as parts of a training step: N tokens through one linear layer, its product and the
# gradients of its activations and weights, packing and quantising of operands included; in f32, and ternary in integers.
# Against peaks measured in registers and, for f32, NumPy's BLAS (python3-numpy, libopenblas). Usage: bench/gemm.sh [THREADS]
set -euo pipefail
cd "$(dirname "$0")/.."
threads=${1:-$(nproc)} compiler=build/bin/nanochat-opt steps=4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
c++ -std=c++17 -O3 -march=native bench/peaks.cpp -o "$folder/peaks" -pthread
seq 60000 | tr -dc '0-9\n' >"$folder/text.rs"

# Name and milliseconds per step of each gemm with the layer's op: the loss has gemms of its own.
kernels() { # LINEAR TOKENS IN OUT
  cat >"$folder/model.mlir" <<MODEL
nanochat.model @layer {
  %tokens, %targets = nanochat.tokens batch = 1 seq = $2
  %E = nanochat.param "embed" normal(1.0) role "all" : tensor<257x$3xf32>
  %W = nanochat.param "w" normal(0.02) role "all" : tensor<$4x$3xf32>
  %H = nanochat.param "head" normal(0.02) role "all" : tensor<257x$4xf32>
  %x = nanochat.embedding %tokens, %E : tensor<$2xi32>, tensor<257x$3xf32>
  %y = nanochat.$1 %x, %W : tensor<$2x$3xf32>, tensor<$4x$3xf32>
  %loss, %nll = nanochat.linear_cross_entropy %y, %H, %targets
    : tensor<$2x$4xf32>, tensor<257x$4xf32>, tensor<$2xi32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 0.001 : tensor<f32>
  nanochat.optimizer "sgd" for ["all"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
}
MODEL
  "$compiler" "$folder/model.mlir" --target=native --emit=exe -o "$folder/layer"
  "$folder/layer" train --data "$folder/text.rs" --steps $((steps + 1)) --eval-every 0 --threads "$threads" --profile |
    awk -v n=$steps '$4 ~ /^gemm_/ && !/cross_entropy/ { print $4, $2 / n }'
}

blas() { # TOKENS IN OUT: ms of y, dx, dw
  OMP_NUM_THREADS=$threads OPENBLAS_NUM_THREADS=$threads OPENBLAS_CORETYPE=$core /usr/bin/python3 - "$@" <<'PYTHON'
import sys, time
import numpy as np
n, i, o = map(int, sys.argv[1:])
x, w, dy = (np.ones(shape, np.float32) for shape in ((n, i), (o, i), (n, o)))
def best(f):
    times = []
    for _ in range(7):
        begin = time.perf_counter()
        f()
        times.append(time.perf_counter() - begin)
    return 1e3 * min(times)
print(best(lambda: x @ w.T), best(lambda: dy @ w), best(lambda: dy.T @ x))
PYTHON
}

core=Haswell
grep -q avx512dq /proc/cpuinfo && core=SkylakeX
read -r f32 i16 i8 < <("$folder/peaks" "$threads")
sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1
awk -v t="$threads" -v a="$f32" -v b="$i16" -v c="$i8" 'BEGIN {
  printf "%d threads; peaks: f32 %.0f GF/s, 16 bits %.0f, 8 bits %.0f GOP/s\n", t, a / 1e9, b / 1e9, c / 1e9 }'
printf '%-20s %-10s %22s %22s %22s\n' 'tokens, in, out' '' 'y' 'dx' 'dw'
while read -r n in out; do
  for linear in linear ternary_linear; do
    ops=$(awk "BEGIN { print 2 * $n * $in * $out }")
    kernels $linear "$n" "$in" "$out" >"$folder/times"
    # In the order of the step: y, then dx and dw, told apart by their shapes.
    awk -v s="$n, $in, $out" -v l=$linear -v o="$ops" -v y="gemm_${n}x$out" -v x="gemm_${n}x$in" -v w="gemm_${out}x$in" -v f="$f32" -v i="$i16" -v b="$i8" '
      function cell(ms, peak) { return ms ? sprintf("%8.0f G/s %5.0f%%", o / ms / 1e6, peak ? 100 * o / ms * 1e3 / peak : 0) : "-" }
      { sub(/_[0-9]+:$|:$/, "", $1); t[$1] += $2 }
      END { t8 = l == "linear" ? f : b; t16 = l == "linear" ? f : i
        printf "%-20s %-10s %22s %22s %22s\n", s, l == "linear" ? "f32" : "integers", cell(t[y], t8), cell(t[x], t16), cell(t[w], t16) }' "$folder/times"
  done
  if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
    read -r y dx dw < <(blas "$n" "$in" "$out")
    awk -v o="$ops" -v y="$y" -v x="$dx" -v w="$dw" -v f="$f32" '
      function cell(ms) { return sprintf("%8.0f G/s %5.0f%%", o / ms / 1e6, 100 * o / ms * 1e3 / f) }
      BEGIN { printf "%-20s %-10s %22s %22s %22s\n", "", "BLAS f32", cell(y), cell(x), cell(w) }'
  fi
done <<'SHAPES'
2048 704 768
2048 768 3072
2048 3072 768
2048 2176 8192
SHAPES
