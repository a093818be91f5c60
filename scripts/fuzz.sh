#!/usr/bin/env bash
# Builds the fuzz targets with clang and the address sanitizer, and runs each for some time on its corpus:
#   scripts/fuzz.sh [SECONDS] [TARGET...]     600 seconds, all targets
# What a run adds to the corpora is merged into them where it reaches new code. Wants clang-22 and libclang-rt-22-dev.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

seconds=${1:-600}
shift || true
targets=("$@")
((${#targets[@]})) || targets=(safetensors shard tokenizer config mlir)
cmake --preset fuzz >/dev/null
ninja -C build-fuzz "${targets[@]/#/fuzz-}"
for target in "${targets[@]}"; do
  corpus=test/fuzz/corpus/$target found=build-fuzz/found/$target
  mkdir -p "$found"
  echo "== $target, $seconds s"
  build-fuzz/runtime/fuzz/fuzz-"$target" -max_total_time="$seconds" -max_len=16384 -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix=build-fuzz/"$target"- "$found" "$corpus" 2>&1 | tail -n 12
  build-fuzz/runtime/fuzz/fuzz-"$target" -merge=1 -max_len=4096 "$corpus" "$found" 2>&1 | tail -n 1
done
