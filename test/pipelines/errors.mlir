// User mistakes: exit code 2, what was found, and a way out.
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=sm_5 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=native --emit=elf 2>&1 | FileCheck %s --check-prefix=EMIT
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=native --stop-after=never 2>&1 | FileCheck %s --check-prefix=STAGE
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=native --emit=exe 2>&1 | FileCheck %s --check-prefix=OUTPUT
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=native --set batch=zero 2>&1 | FileCheck %s --check-prefix=SIZE
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=native --set depth=2 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not nanochat-opt %S/absent.mlir --target=native 2>&1 | FileCheck %s --check-prefix=FILE
// RUN: not nanochat-opt %s --target=native 2>&1 | FileCheck %s --check-prefix=MODEL
// TARGET: error: unknown target 'sm_5'
// TARGET: note: targets are native
// EMIT: error: --emit=elf is not known
// STAGE: error: --stop-after=never names no stage
// OUTPUT: note: add -o PROGRAM
// SIZE: error: --set batch=zero: expected name=value
// NAME: error: --set depth=2: the model has no size 'depth'
// FILE: note: give the path of a model
// MODEL: error: expected one nanochat.model to compile, found 0
