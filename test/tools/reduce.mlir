// Of two functions and a norm nobody reads, what the script wants is left, and what that needs.
// RUN: nanochat-reduce %s "--reduction-tree=test=%S/Inputs/keeps-relu2.sh" | FileCheck %s
// RUN: nanochat-reduce %s "--opt-reduction-pass=opt-pass=canonicalize test=%S/Inputs/keeps-relu2.sh" | FileCheck %s --check-prefix=PASS
// CHECK-NOT: rms_norm
// CHECK: func.func @wanted
// CHECK-NEXT: nanochat.relu2
// CHECK-NEXT: return
// CHECK-NOT: func.func @unwanted
// PASS-NOT: rms_norm
// PASS: nanochat.relu2
// PASS: func.func @unwanted

func.func @wanted(%x: tensor<4x8xf32>, %g: tensor<8xf32>) -> tensor<4x8xf32> {
  %unread = nanochat.rms_norm %x, %g : tensor<4x8xf32>, tensor<8xf32>
  %y = nanochat.relu2 %x : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
func.func @unwanted(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  return %x : tensor<4x8xf32>
}
