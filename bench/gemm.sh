#!/usr/bin/env bash
# Rates of generated matrix products, as parts of a training step: N tokens through one linear layer, its product and the
# gradients of its activations and weights; in f32, bf16, and ternary in integers and four-bit floats. Packing is included in each;
# the last column is of both gradients with all that makes their codes, kernels of its own included.
# Against peaks measured in registers and, where they are installed, oneDNN (libdnnl-dev) and NumPy's BLAS (python3-numpy,
# libopenblas), of which the best of nine counts. Usage: bench/gemm.sh [THREADS]
set -euo pipefail
cd "$(dirname "$0")/.."
threads=${1:-$(nproc)} compiler=build/bin/nanochat-opt steps=4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
c++ -std=c++17 -O3 -march=native bench/peaks.cpp -o "$folder/peaks" -pthread
c++ -std=c++17 -O2 bench/dnnl.cpp -o "$folder/dnnl" -ldnnl 2>/dev/null || echo "no oneDNN: apt-get install libdnnl-dev"
seq 60000 | tr -dc '0-9\n' >"$folder/text.rs"
cpus=0-$((threads - 1)) core=Haswell
grep -q avx512dq /proc/cpuinfo && core=SkylakeX
export OMP_NUM_THREADS=$threads OPENBLAS_NUM_THREADS=$threads OPENBLAS_CORETYPE=$core

# The profile of a model of one layer, a line per product of it, "shape milliseconds", and "all milliseconds" of both gradients.
ours() { # LINEAR DENSE BACKWARD TOKENS IN OUT
  local linear=$1 dense=$2 backward=$3
  shift 3
  cat >"$folder/model.mlir" <<MODEL
nanochat.model @layer {
  %tokens, %targets = nanochat.tokens batch = 1 seq = $1
  %E = nanochat.param "embed" normal(1.0) role "all" : tensor<257x$2xf32>
  %W = nanochat.param "w" normal(0.02) role "all" : tensor<$3x$2xf32>
  %H = nanochat.param "head" normal(0.02) role "all" : tensor<257x$3xf32>
  %x = nanochat.embedding %tokens, %E : tensor<$1xi32>, tensor<257x$2xf32>
  %y = nanochat.$linear %x, %W : tensor<$1x$2xf32>, tensor<$3x$2xf32>
  %loss, %nll = nanochat.linear_cross_entropy %y, %H, %targets
    : tensor<$1x$3xf32>, tensor<257x$3xf32>, tensor<$1xi32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 0.001 : tensor<f32>
  nanochat.optimizer "sgd" for ["all"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
}
MODEL
  "$compiler" "$folder/model.mlir" --target=native --dense="$dense" --backward="$backward" --emit=exe -o "$folder/layer"
  taskset -c "$cpus" "$folder/layer" train --data "$folder/text.rs" --steps $((steps + 1)) --eval-every 0 --threads "$threads" --profile |
    awk -v n=$steps -v y="$1x$3" '/cross_entropy/ { next }
      / gemm_/ { sub(/:$/, "", $7); sub(/gemm_/, "", $7); sub(/_[0-9]+$/, "", $7); print $7, $2 / n; if ($7 != y) all += $2 }
      / (rowwise|pointwise)_/ && /ternary_(input|weight)_grad|hadamard|quantize_fp4|tensor_scale|dequantize_rows/ { all += $2 }
      END { print "all", all / n }'
}

blas() { # TOKENS IN OUT
  taskset -c "$cpus" /usr/bin/python3 - "$@" <<'PYTHON'
import sys, time
import numpy as np
n, i, o = map(int, sys.argv[1:])
x, w, dy = (np.ones(shape, np.float32) for shape in ((n, i), (o, i), (n, o)))
def best(f):
    times = []
    for _ in range(9):
        begin = time.perf_counter()
        f()
        times.append(time.perf_counter() - begin)
    return 1e3 * min(times)
print(best(lambda: x @ w.T), best(lambda: dy @ w), best(lambda: dy.T @ x))
PYTHON
}

# A line of the table from milliseconds of y, dx, dw, and both with all that they take.
row() { # LABEL PEAK-OF-Y PEAK-OF-GRADIENTS Y DX DW [ALL]
  awk -v o="$ops" -v s="$shape" -v l="$1" -v p="$2" -v q="$3" -v y="$4" -v x="$5" -v w="$6" -v a="${7:-0}" '
    function cell(ms, peak) { return ms > 0 ? sprintf("%6.0f %4.0f%%", o / ms / 1e6, peak ? 100 * o / ms * 1e3 / peak : 0) : "-" }
    BEGIN { printf "%-16s %-14s %13s %13s %13s %13s\n", s, l, cell(y, p), cell(x, q), cell(w, q), cell(a / 2, q) }'
}

declare -A peak
while read -r name value; do peak[$name]=$value; done < <("$folder/peaks" "$threads")
sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1
echo "$threads threads; peaks in Gop/s:" $(for kind in f32 bf16 int16 int8; do awk -v k=$kind -v p="${peak[$kind]:-0}" 'BEGIN { printf "%s %.0f ", k, p / 1e9 }'; done)
printf '%-16s %-14s %13s %13s %13s %13s   Gop/s, %% of peak\n' 'tokens, in, out' '' y dx dw 'dx+dw, all'
while read -r n in out; do
  ops=$(awk "BEGIN { print 2 * $n * $in * $out }") shape="$n, $in, $out"
  while read -r label linear dense backward first second; do
    [[ -n ${peak[$second]:-} ]] || continue
    ours "$linear" "$dense" "$backward" "$n" "$in" "$out" >"$folder/times"
    of() { awk -v s="$1" '$1 == s { t += $2 } END { print t + 0 }' "$folder/times"; }
    row "$label" "${peak[$first]}" "${peak[$second]}" "$(of "${n}x$out")" "$(of "${n}x$in")" "$(of "${out}x$in")" "$(of all)"
  done <<'KINDS'
f32 linear f32 f32 f32 f32
bf16 linear bf16 f32 bf16 bf16
int8,int16 ternary_linear f32 int16 int8 int16
int8,int8 ternary_linear f32 int8 int8 int8
int8,mxfp4 ternary_linear f32 mxfp4 int8 int8
int8,nvfp4 ternary_linear f32 nvfp4 int8 int8
KINDS
  if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
    row 'BLAS f32' "${peak[f32]}" "${peak[f32]}" $(blas "$n" "$in" "$out")
  fi
  [[ -x $folder/dnnl ]] && taskset -c "$cpus" "$folder/dnnl" "$n" "$in" "$out" | while read -r kind y dx dw; do
    own=${kind/u8s8/int8}
    row "oneDNN $kind" "${peak[$own]:-0}" "${peak[$own]:-0}" "$y" "$dx" "$dw"
  done
done <<'SHAPES'
2048 704 768
2048 768 3072
4096 768 3072
2048 3072 768
4096 3072 768
2048 2176 8192
SHAPES
