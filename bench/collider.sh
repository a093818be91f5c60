#!/usr/bin/env bash
# What token filtering (Collider) saves: whole steps of bench/looplm.mlir at width 768 and 320 tokens per sequence with all tokens, .8, .6 and .4 of
# them kept, in rounds that take turns; medians of tokens per second, the backward pass of the layers by `train --profile`, its operations beside
# the formula (linears k, attention (3k + 2k²)/5), and what selecting rows takes. Against PyTorch with a mask on the loss, if
# $TORCH_PYTHON names a Python with torch.
# Usage: bench/collider.sh [THREADS] [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
threads=${1:-$(nproc)} rounds=${2:-3} compiler=build/bin/nanochat-opt steps=5
[[ -x $compiler ]] || { echo "usage: bench/collider.sh [THREADS] [ROUNDS]; run ./nanochat build first" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
seq 200000 | tr -dc '0-9\n' >"$folder/text.rs"
shares=(1.0 0.8 0.6 0.4) kinds=(f32)
grep -q avx512_bf16 /proc/cpuinfo && kinds+=(bf16)

for kind in "${kinds[@]}"; do
  for share in "${shares[@]}"; do
    "$compiler" bench/looplm.mlir --set "d=768,seq=320,keep=$share" --dense="$kind" --target=native --emit=exe -o "$folder/$kind.$share"
  done
done
for ((round = 0; round < rounds; ++round)); do
  for kind in "${kinds[@]}"; do
    for share in "${shares[@]}"; do
      "$folder/$kind.$share" train --data "$folder/text.rs" --steps $steps --eval-every 0 --threads "$threads" --log "$folder/log" --profile >>"$folder/$kind.$share.out" 2>&1
      sed -n 's/.*"tok_s": *\([0-9.]*\).*/\1/p' "$folder/log" | tail -n +3 >>"$folder/$kind.$share.rates"
      rm -f "$folder/log"
    done
  done
  for share in "${shares[@]}"; do
    [[ -z ${TORCH_PYTHON:-} ]] || OMP_NUM_THREADS=$threads "$TORCH_PYTHON" bench/peer_torch.py looplm --dim 768 --seq 320 --keep "$share" --compile --threads "$threads" 2>/dev/null |
      awk '{ print $1 }' >>"$folder/torch.$share.rates" || true
  done
done

grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //' || true
/usr/bin/python3 - "$folder" "${kinds[@]}" <<'PYTHON'
import pathlib, re, statistics, sys

folder = pathlib.Path(sys.argv[1])
shares = ("1.0", "0.8", "0.6", "0.4")


def profile(kind, share):
    """Milliseconds per run, by part, and operations of the backward pass's linears and attention."""
    runs, ms, work = 0, {"layers backward": 0, "head": 0, "select": 0, "other": 0}, {"linears": 0, "attention": 0}
    for line in (folder / f"{kind}.{share}.out").read_text().splitlines():
        row = re.match(r"\s*[\d.]+%\s+([\d.]+)\s+(\d*)\s+([\d.]*)\s+[\d.]*\s+\S*\s+(.*)", line)
        if not row:
            runs += line.lstrip().startswith("share")
            continue
        time, what = float(row[1]), row[4]
        # What is not evidently of another part counts as the layers'.
        part = ("head" if "linear_cross_entropy" in what else "select" if "select_rows" in what else
                "other" if re.search(r"ternary_matmul|nanochat\.attention at|adamw|ternarize|grad_norm|^others", what) else "layers backward")
        ms[part] += time
        for name, pattern in (("linears", r"^gemm.*ternary_(input|weight)_grad"), ("attention", "attention_grad")):
            if re.search(pattern, what):
                work[name] += time * float(row[3])
    return {part: time / runs for part, time in ms.items()}, {name: w / runs for name, w in work.items()}


def rate(kind, share):
    path = folder / f"{kind}.{share}.rates"
    numbers = [float(x) for x in path.read_text().split()] if path.exists() else []
    return statistics.median(numbers) if numbers else 0


for kind in sys.argv[2:]:
    base, base_work = profile(kind, "1.0")
    for share in shares:
        k = float(share)
        ms, work = profile(kind, share)
        linears, attention = (work[n] / base_work[n] for n in ("linears", "attention"))
        print(f"{kind} keep {share}: {rate(kind, share):6.0f} tok/s, step {100 * (rate(kind, '1.0') / rate(kind, share) - 1):+6.1f} % time, layers backward "
              f"{100 * (ms['layers backward'] / base['layers backward'] - 1):+6.1f} % time, their linears {linears:.3f} of the work ({k:.3f}), attention "
              f"{attention:.3f} ({(3 * k + 2 * k * k) / 5:.3f}), rows selected in {100 * ms['select'] / sum(ms.values()):.2f} % (below .1 % not listed)")
for share in shares:
    if rate("torch", share):
        print(f"PyTorch, f32, compiled, masked {share}: {rate('torch', share):6.0f} tok/s, step {100 * (rate('torch', '1.0') / rate('torch', share) - 1):+6.1f} % time")
PYTHON
