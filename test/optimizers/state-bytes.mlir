// Planned bytes of states are those of the formulas, up to padding, and the shares of AdamW's that were promised.
// RUN: %python %S/state_bytes.py %models/looplm.mlir
