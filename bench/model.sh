#!/usr/bin/env bash
# Prints the looped model of the speed comparisons: width DIM, DIM / 64 heads. Usage: bench/model.sh 384|768
set -euo pipefail
cd "$(dirname "$0")"
dim=$1
sed "s/@DIM@/$dim/g; s/@INNER@/$((dim * 8 / 3))/g; s/@HEADS@/$((dim / 64))/g" looplm.mlir.in
