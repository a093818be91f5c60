// Ids, files and learned merges against Hugging Face's library, on Rust source, random bytes and Unicode.
// REQUIRES: tokenizers
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --emit=exe -o %t.exe
// RUN: %python-tokenizers %S/tokenizer_oracle.py %t.exe %t.d %source/run/rust %source/lib %source/runtime
