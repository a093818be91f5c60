# Other hyper-connections than those of models/looplm-mhc.mlir; to be sourced.

# FOLDER: writes lite.mlir (mHC-lite) and none.mlir (plain ones).
streams_models() {
  # mHC-lite has 24 logits of permutations where mHC has 16 of a matrix; at first all weight is on the one that moves nothing.
  local lite
  lite=$(printf -- '-8.0, %.0s' {1..23})
  sed -e 's/coefficients sinkhorn/coefficients permutation/; s/\[layers, 24/[layers, 32/' -e "s/numbers \[\(\([^,]*, \)\{8\}\).*/numbers [\10.0, ${lite%, }]/" \
    models/looplm-mhc.mlir >"$1/lite.mlir"
  # Plain ones begin as the residual connection: numbers as they are, not logits of them.
  sed 's/coefficients sinkhorn/coefficients none/; s/numbers .*/numbers [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]/' models/looplm-mhc.mlir >"$1/none.mlir"
}
