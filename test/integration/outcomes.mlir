// Damaged, foreign and unwritable files, full disks, kills while saving: each with the outcome a user should meet.
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --emit=exe -o %t.exe
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=reference --emit=exe -o %t.target
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --set batch=3 --emit=exe -o %t.sizes
// RUN: sed 's/@dense/@another/' %S/../Inputs/dense.mlir > %t.mlir && nanochat-opt %t.mlir --target=native --emit=exe -o %t.model
// RUN: %python %S/outcomes.py %t.d %t.exe %t.target %t.sizes %t.model
// RUN: %python %S/outcomes_runs.py %t.r %t.exe
// RUN: %python %S/outcomes_data.py %t.data %t.exe
