// Ranks of two hosts, which are namespaces here.
// REQUIRES: namespaces
// RUN: nanochat-opt %models/copy-tiny.mlir --target=native --emit=exe -o %t.exe
// RUN: rm -rf %t && mkdir %t && timeout 100 unshare -Urnu bash %S/ranks-hosts.sh %t.exe %t
