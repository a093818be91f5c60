// A vector of which one lane is stored: LLVM 22 stores it as wide as it was before it was shortened (llvm-project issue 179489),
// over what lies behind it.
// RUN: nanochat-opt %s --nanochat-store-single-lanes | FileCheck %s

// CHECK-LABEL: @one
func.func @one(%codes: vector<16xi32>, %out: memref<3x17xi8>, %i: index) {
  %mask = vector.constant_mask [1] : vector<16xi1>
  %two = vector.constant_mask [2] : vector<16xi1>
  // CHECK: %[[C:.*]] = arith.trunci
  %c = arith.trunci %codes : vector<16xi32> to vector<16xi8>
  // CHECK: %[[E:.*]] = vector.extract %[[C]][0]
  // CHECK: memref.store %[[E]], %{{.*}}[%{{.*}}, %{{.*}}] : memref<3x17xi8>
  vector.maskedstore %out[%i, %i], %mask, %c : memref<3x17xi8>, vector<16xi1>, vector<16xi8>
  // CHECK: vector.maskedstore
  vector.maskedstore %out[%i, %i], %two, %c : memref<3x17xi8>, vector<16xi1>, vector<16xi8>
  return
}
