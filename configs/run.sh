#!/usr/bin/env bash
# Compiles models/looplm.mlir as a configuration says and trains it. Usage: configs/run.sh a|b|c [OPTIONS of train]
# Data are in run/data (see [data] of the configuration): ./nanochat train prepares some of Rust source.
set -euo pipefail
cd "$(dirname "$0")/.."
declare -A target=([a]=sm_120 [b]=sm_89 [c]=sm_89)
name=${1:-}
[[ -n ${target[$name]:-} ]] || { echo "usage: configs/run.sh a|b|c [OPTIONS of train]" >&2; exit 2; }
shift
config=$(echo configs/config_"$name"_*.toml)
build/bin/nanochat-opt models/looplm.mlir --config="$config" --target="${target[$name]}" --emit=exe -o "run/looplm-$name"
exec "run/looplm-$name" train --config "$config" "$@"
