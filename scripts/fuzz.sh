#!/usr/bin/env bash
# Builds the fuzz targets with clang and the address sanitizer, and runs each for some time on its corpus:
#   scripts/fuzz.sh [SECONDS] [TARGET...]     600 seconds, all targets
# What reaches new code is kept: corpora are archives in test/fuzz/corpus. Wants clang-22 and libclang-rt-22-dev.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

seconds=${1:-600}
shift || true
targets=("$@")
((${#targets[@]})) || targets=(safetensors shard tokenizer config options checkpoint mlir)
build=build-fuzz
cmake --preset fuzz >/dev/null
ninja -C $build "${targets[@]/#/fuzz-}"

for target in "${targets[@]}"; do
  program=$build/runtime/fuzz/fuzz-$target archive=test/fuzz/corpus/$target.tgz
  found=$build/found/$target kept=$build/kept/$target
  rm -rf "$kept" && mkdir -p "$found" "$kept"
  tar -xzf "$archive" -C "$found"
  echo "== $target, $seconds s"
  # A context of MLIR keeps what it made, by design.
  "$program" -max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=8192 -detect_leaks=0 \
    -artifact_prefix=$build/"$target"- "$found" >$build/"$target".log 2>&1 || { tail -n 30 $build/"$target".log; exit 1; }
  tail -n 1 $build/"$target".log
  "$program" -merge=1 -max_len=2048 -detect_leaks=0 "$kept" "$found" 2>&1 | tail -n 1
  tar -czf "$archive" --sort=name --mtime=@0 --owner=0 --group=0 -C "$kept" .
done
