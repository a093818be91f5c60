// RUN: nanochat-opt %s -split-input-file -verify-diagnostics
// expected-error @+2 {{expected ::mlir::nanochat::BindingKind to be one of: parameter, state, gradient, input, output}}
// expected-error @+1 {{failed to parse Nanochat_BindAttr parameter 'kind'}}
func.func @eval(%x: tensor<4xf32> {nanochat.bind = #nanochat.bind<parm, "x">})

// -----

// expected-error @+2 {{expected ::mlir::nanochat::DispatchClass to be one of: pointwise, rowwise, gemm, attention, generic}}
// expected-error @+1 {{failed to parse Nanochat_KernelAttr parameter 'kind'}}
func.func private @k(tensor<4xf32>) attributes {nanochat.kernel = #nanochat.kernel<pointwize>}

// -----

// expected-error @+1 {{an entry of kind gradients is one of a phase: name it, as in "train"}}
func.func @gradients() attributes {nanochat.entry = #nanochat.entry<gradients>} // entry-c1

// -----

// expected-error @+1 {{an entry of kind eval is of no phase}}
func.func @eval() attributes {nanochat.entry = #nanochat.entry<eval, "train">} // entry-c1

// -----

// expected-error @+1 {{tensor -1 of an entry: they are counted from 0}}
func.func @eval() attributes {nanochat.entry = #nanochat.entry<eval uses [-1]>} // entry-c2

// -----

// expected-error @+1 {{bound to "", which is no name that files can hold}}
func.func @eval(%x: tensor<4xf32> {nanochat.bind = #nanochat.bind<state, "">}) // bind-c1

// -----

// expected-error @+1 {{a tensor of kind state starts at random, which parameters alone do}}
func.func @eval(%x: tensor<4xf32> {nanochat.bind = #nanochat.bind<state, "x", init = normal>}) // bind-c2

// -----

// expected-error @+1 {{a tensor of kind input cannot be a share of 8 rows}}
func.func @eval(%x: tensor<4xf32> {nanochat.bind = #nanochat.bind<input, "x", rows = 8>}) // bind-c3

// -----

// expected-error @+1 {{a kernel has -1 of something: counts and bytes start at 0}}
func.func private @k(tensor<4xf32>) attributes {nanochat.kernel = #nanochat.kernel<gemm, flops = -1>} // kernel-c1

// -----

// expected-error @+1 {{a kernel without tasks is not emitted yet, and has no scratch, threads or shared memory}}
func.func private @k(tensor<4xf32>) attributes {nanochat.kernel = #nanochat.kernel<gemm, scratch = 64>} // kernel-c2

// -----

// expected-error @+1 {{a kernel shares memory among no threads}}
func.func private @k(tensor<4xf32>) attributes {nanochat.kernel = #nanochat.kernel<gemm, tasks = 1, shared = 64>} // kernel-c3

// -----

// expected-error @+1 {{products of panels are computed in int8: that is a kernel's arithmetic}}
func.func private @k(tensor<4xf32>) attributes {nanochat.kernel = #nanochat.kernel<gemm, arithmetic = panels>} // kernel-c4

// -----

// expected-error @+2 {{expected one of [f64, f32, bf16}}
// expected-error @+1 {{failed to parse Nanochat_KernelAttr parameter 'arithmetic'}}
func.func private @k(tensor<4xf32>) attributes {nanochat.kernel = #nanochat.kernel<gemm, arithmetic = in8>}

// -----

// expected-error @+2 {{function @train.updates is #nanochat.entry<update, "train">}}
// expected-note @+1 {{the runtime knows that entry as @train.update}}
func.func @train.updates() attributes {nanochat.entry = #nanochat.entry<update, "train">} { // contract-c1
  return
}

// -----

// expected-error @+1 {{argument 0 of entry @eval is bound to nothing; give it nanochat.bind}}
func.func @eval(%x: tensor<4xf32>) attributes {nanochat.entry = #nanochat.entry<eval>} { // contract-c2
  return
}

// -----

// expected-error @+1 {{result 0 of entry @eval is bound to nothing; give it nanochat.bind}}
func.func private @eval() -> tensor<4xf32> attributes {nanochat.entry = #nanochat.entry<eval>} // contract-c2

// -----

// expected-error @+1 {{kernel @k has tasks, but does not take buffers (1 of results), the task, scratch}}
func.func private @k(memref<4xf32>, memref<4xf32>, index) attributes {nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1], tasks = 1>} // contract-c3

// -----

// expected-error @+1 {{kernel @k has 2 inplace entries for 1 results}}
func.func private @k(tensor<4xf32>) -> tensor<4xf32> attributes {nanochat.kernel = #nanochat.kernel<pointwise, inplace = [-1, -1]>} // contract-c4

// -----

// expected-error @+1 {{kernel @k: inplace entry 1 is not an input; use -1 for none}}
func.func private @k(tensor<4xf32>) -> tensor<4xf32> attributes {nanochat.kernel = #nanochat.kernel<pointwise, inplace = [1]>} // contract-c5

// -----

// expected-error @+2 {{the dialect knows no attribute 'nanochat.kernal'}}
// expected-note @+1 {{the nearest one is 'nanochat.kernel', #nanochat.kernel<class, ...> on a function}}
func.func private @k(tensor<4xf32>) attributes {nanochat.kernal = #nanochat.kernel<gemm>} // discardable-c1

// -----

// What was said in strings before is not silently passed over.
// expected-error @+2 {{the dialect knows no attribute 'nanochat.class'}}
// expected-note @+1 {{the nearest one is}}
func.func private @k(tensor<4xf32>) attributes {nanochat.class = "pointwize"} // discardable-c1

// -----

// expected-error @+2 {{the dialect knows no attribute 'nanochat.tolerence'}}
// expected-note @+1 {{the nearest one is 'nanochat.tolerance', a float on a function}}
func.func private @k() attributes {nanochat.tolerence = 1.0e-6 : f64} // discardable-c1

// -----

// expected-error @+1 {{'nanochat.copy' stands on nanochat.dispatch, not here}}
func.func private @k() attributes {nanochat.copy} // discardable-c2

// -----

// expected-error @+1 {{'nanochat.fixed' stands on an argument of a function, not here}}
func.func private @k() -> (f32 {nanochat.fixed}) // discardable-c2

// -----

// expected-error @+2 {{the dialect knows no attribute 'nanochat.perod'}}
// expected-note @+1 {{the nearest one is 'nanochat.period', a number from 1 on on a loop}}
func.func private @k() attributes {nanochat.perod = 4} // discardable-c1

// -----

// expected-error @+1 {{'nanochat.period' stands on a loop, not here}}
func.func private @k() attributes {nanochat.period = 4} // discardable-c2

// -----

func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'nanochat.period' is a number from 1 on, not 0}}
  %r = nanochat.loop "l" = 2 carry(%a = %x : tensor<4xf32>) attributes {nanochat.period = 0} { // discardable-c3
    nanochat.yield %a : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

// expected-error @+1 {{'nanochat.recomputed' stands on an op, not here}}
func.func private @k(tensor<4xf32> {nanochat.recomputed}) // discardable-c2

// -----

func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'nanochat.recomputed' is a unit attribute, not true}}
  %r = arith.negf %x {nanochat.recomputed = true} : tensor<4xf32> // discardable-c3
  return %r : tensor<4xf32>
}

// -----

// expected-error @+1 {{'nanochat.bound' is an integer, not 3.000000e+00 : f32}}
func.func private @k(tensor<4xi32> {nanochat.bound = 3.0 : f32}) // discardable-c3

// -----

// expected-error @+1 {{'nanochat.range' is [low, high], not [2.000000e+00, 1.000000e+00]}}
func.func private @k(tensor<4xf32> {nanochat.range = [2.0, 1.0]}) // discardable-c3

// -----

// expected-error @+1 {{'nanochat.sizes' is a dictionary of integers, not {batch = "two"}}}
module attributes {nanochat.sizes = {batch = "two"}} {} // discardable-c3

// -----

// expected-error @+1 {{'nanochat.bind' binds what belongs to no entry: the function lacks 'nanochat.entry'}}
func.func private @k(tensor<4xf32> {nanochat.bind = #nanochat.bind<input, "x">}) // bind-c3

// -----

// expected-error @+1 {{binds a value of type 'f32' to input x; only tensors of known shape have a place}}
func.func private @eval(f32 {nanochat.bind = #nanochat.bind<input, "x">}) attributes {nanochat.entry = #nanochat.entry<eval>} // bind-c4

// -----

// expected-error @+1 {{result 0 is bound to input x, which the runtime writes and an entry only reads}}
func.func private @eval() -> (tensor<4xf32> {nanochat.bind = #nanochat.bind<input, "x">}) attributes {nanochat.entry = #nanochat.entry<eval>} // bind-c5

// -----

// expected-error @+1 {{'nanochat.micro_batches' stands on a loop, not here}}
func.func private @k() attributes {nanochat.micro_batches} // discardable-c2
