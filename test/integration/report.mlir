// The page of a run is opened in a browser, which must have drawn every chart.
// REQUIRES: chromium
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 30 --eval-every 10 --log %t.jsonl
// RUN: %t.exe train --copy-task --steps 30 --eval-every 10 --seed 1 --log %t.other.jsonl
// RUN: %t.exe report %t.jsonl %t.other.jsonl -o %t.html
// RUN: chromium --headless --no-sandbox --disable-gpu --user-data-dir=%t.profile --dump-dom file://%t.html | FileCheck %s
// CHECK: <html lang="en" data-charts="[[COUNT:[5-9]]]">
// CHECK-COUNT-5: <svg viewBox
// CHECK: <th>val_loss</th><td>{{[0-9.]+}}</td><td>{{[0-9.]+}}</td>
