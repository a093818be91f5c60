// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

nanochat.model @names { // model-c1
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  // expected-error @+1 {{is declared twice: parameter names are unique}}
  %b = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

// expected-error @+2 {{has no objective}}
// expected-note @+1 {{end the forward region with: nanochat.objective "train" %loss : tensor<f32>}}
nanochat.model @objective { // model-c2
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
} update {
}

// -----

// expected-error @+2 {{has 0 batches, expected one}}
// expected-note @+1 {{begin the forward region with: %tokens, %targets = nanochat.tokens batch = 8 seq = 256}}
nanochat.model @batch { // model-c3
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @metrics { // model-c4
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
  nanochat.metric "a" %w : tensor<f32>
  // expected-error @+1 {{has the name 'a', which is taken}}
  nanochat.metric "a" %w : tensor<f32>
} update {
}

// -----

nanochat.model @own_metrics { // model-c4
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
  // expected-error @+1 {{has the name 'grad_norm', which is taken}}
  nanochat.metric "grad_norm" %w : tensor<f32>
} update {
}

// -----

nanochat.model @phases { // model-c5
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
  // expected-error @+1 {{is the second one of phase 'train': add the losses, or name another phase}}
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @trained { // model-c6
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  // expected-error @+1 {{trains the role "gate", which no parameter has}}
  nanochat.objective "train" %w trains ["matrix", "gate"] : tensor<f32>
} update {
}

// -----

nanochat.model @roles { // model-c7
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  nanochat.optimizer "sgd" for ["matrix"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
  // expected-error @+1 {{updates the role "matrix", which is updated already}}
  nanochat.optimizer "adamw" for ["norm", "matrix"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
}

// -----

nanochat.model @nothing { // model-c8
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  // expected-error @+1 {{trains no parameter}}
  nanochat.objective "train" %w trains [] : tensor<f32>
} update {
}

// -----

nanochat.model @shapes { // param-c1
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  // expected-error @+1 {{has type 'tensor<?xf32>': shapes are static}}
  %a = nanochat.param "a" constant(0.0) role "matrix" : tensor<?xf32>
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @stacks { // param-c2
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  // expected-error @+1 {{is stacked, so it needs a leading dimension before its own; found 'tensor<3xf32>'}}
  %a = nanochat.param "a" constant(0.0) role "norm" stack "layers" : tensor<3xf32>
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @starts { // param-c3
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  // expected-error @+1 {{starts as normal(-1.000000e+00), expected a standard deviation from zero}}
  %a = nanochat.param "a" normal(-1.0) role "norm" : tensor<3xf32>
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @scalars { // scalar-c1
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  // expected-error @+1 {{has the name 'targets', which is that of an input the program fills}}
  %a = nanochat.scalar "targets" = 0.0 : tensor<f32>
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @seed {
  // expected-error @+1 {{has the name 'seed', which is that of an input the program fills}}
  %a = nanochat.scalar "seed" = 0.0 : tensor<f32>
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @sizes { // tokens: in type inference
  // expected-error @+1 {{batch = 4294967296 times seq = 4294967296 is too large}}
  %a, %b = nanochat.tokens batch = 4294967296 seq = 4294967296
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  // expected-error @+1 {{attribute 'param_name' failed to satisfy constraint: string attribute is a name that files can hold}}
  %w = nanochat.param "" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  // expected-error @+1 {{attribute 'param_name' failed to satisfy constraint: string attribute is a name that files can hold}}
  %w = nanochat.param "__metadata__" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  // expected-error @+1 {{attribute 'param_name' failed to satisfy constraint: string attribute is a name that files can hold}}
  %w = nanochat.param "em\FFbed" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  // expected-error @+1 {{attribute 'param_name' failed to satisfy constraint: string attribute is a name that files can hold}}
  %w = nanochat.param "w\00q" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  // expected-error @+1 {{attribute 'param_name' failed to satisfy constraint: string attribute is a name that files can hold}}
  %w = nanochat.param "a\0Ab" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  // expected-error @+1 {{attribute 'param_name' failed to satisfy constraint: string attribute is a name that files can hold}}
  %w = nanochat.param "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  // expected-error @+1 {{attribute 'role' failed to satisfy constraint: string attribute is a word that options can hold}}
  %w = nanochat.param "w" constant(0.0) role "a+b" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  // expected-error @+1 {{attribute 'phase' failed to satisfy constraint: string attribute is a word that options can hold}}
  nanochat.objective "a b" %w : tensor<f32>
} update {
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
  // expected-error @+1 {{attribute 'metric_name' failed to satisfy constraint: string attribute is a name that files can hold}}
  nanochat.metric "a\0Ab" %w : tensor<f32>
} update {
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
  // expected-error @+1 {{has the name 'step', which is taken}}
  nanochat.metric "step" %w : tensor<f32>
} update {
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
  %s = nanochat.scalar "s" = 1.0 : tensor<f32>
  // expected-error @+1 {{has the name 'val_loss', which is taken}}
  nanochat.metric "val_loss" %s : tensor<f32>
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
  // expected-error @+1 {{attribute 'scalar_name' failed to satisfy constraint: string attribute is a word that options can hold}}
  %s = nanochat.scalar "a=b" = 1.0 : tensor<f32>
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
  // expected-error @+1 {{attribute 'value' failed to satisfy constraint: 64-bit float attribute is finite in f32}}
  %s = nanochat.scalar "s" = 0x7FF0000000000000 : tensor<f32>
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
  // expected-error @+1 {{attribute 'value' failed to satisfy constraint: 64-bit float attribute is finite in f32}}
  %s = nanochat.scalar "s" = 1.0e39 : tensor<f32>
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
  // expected-error @+1 {{is a negative learning rate, which climbs}}
  %lr = nanochat.scalar "lr" = -0.1 : tensor<f32>
  nanochat.optimizer "sgd" for ["matrix"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  // expected-error @+1 {{failed to satisfy constraint: 64-bit float attribute is from zero and below one in f32}}
  nanochat.optimizer "lion" for ["matrix"] lr(%lr) weight_decay(%lr) {config = {beta1 = 1.0 : f64}} : tensor<f32>, tensor<f32>
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  // expected-error @+1 {{failed to satisfy constraint: 64-bit float attribute is above zero and finite in f32}}
  nanochat.optimizer "adamw" for ["matrix"] lr(%lr) weight_decay(%lr) {config = {eps = 1.0e-60 : f64}} : tensor<f32>, tensor<f32>
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
  nanochat.phase "again" rule "fire" for ["matrix"]
  // expected-error @+1 {{has the name 'again', which is taken}}
  nanochat.phase "again" rule "fire" for ["matrix"]
}

// -----

// expected-error @+1 {{has a name that files cannot hold}}
nanochat.model @"m\FF" {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
} update {
}

// -----

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %w : tensor<f32>
  // expected-error @+1 {{has the name 'seq', which is that of another size}}
  %x = nanochat.loop "seq" = 2 carry(%y = %w : tensor<f32>) {
    nanochat.yield %y : tensor<f32>
  }
} update {
}

// -----

// expected-error @+1 {{the model has two things called "d"}}
nanochat.model @twice sizes {d = 2, batch = 1, d = 3} { // model-c13
  %tokens, %targets = nanochat.tokens batch = batch seq = d
} update {
}

// -----

// expected-error @+1 {{"small" is a preset: write name {d = 512}}}
nanochat.model @preset sizes {d = 2} presets {small = 3} { // model-c14
  %tokens, %targets = nanochat.tokens batch = d seq = d
} update {
}

// -----

// expected-error @+1 {{"d" is no preset: write name = 512}}
nanochat.model @size sizes {d {x = 2}} { // model-c14
  %tokens, %targets = nanochat.tokens batch = d seq = d
} update {
}

// -----

// expected-error @+3 {{the model has no size 'widht', did you mean 'width'?}}
// expected-note @+1 {{sizes and settings are width, lr}}
nanochat.model @changes sizes {width = 2} settings {lr = 0.1}
    presets {small {}, large {widht = 3}} { // model-c15
  %tokens, %targets = nanochat.tokens batch = width seq = width
} update {
}

// -----

// expected-error @+1 {{"d" is no preset: write name = 512}}
nanochat.model @change sizes {d = 2} presets {small {d {}}} { // model-c16
  %tokens, %targets = nanochat.tokens batch = d seq = d
} update {
}

// -----

// expected-error @+1 {{a model with settings or presets has sizes as well; write sizes {}}}
nanochat.model @settings settings {lr = 0.1} {
} update {
}

// -----

nanochat.model @ends sizes {d = 2} {
  // expected-error @+2 {{batch = d / 4 is 0.5, expected a whole number from 0 to 2147483647}}
  // expected-note @-2 {{'d' is 2}}
  %tokens, %targets = nanochat.tokens batch = d / 4 seq = d
} update {
}

// -----

nanochat.model @dims { // param-c4
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  // expected-error @+1 {{has type 'tensor<3xf32>', but other dimensions}}
  %a = "nanochat.param"() <{param_name = "a", init = 0 : i32, scale = 0.0 : f64, role = "norm", dims = [2 : i64]}> : () -> tensor<3xf32>
  nanochat.objective "train" %a : tensor<3xf32>
} update {
}

// -----

nanochat.model @names { // names need a model that declares them
  // expected-error @+1 {{attribute 'batch' failed to satisfy constraint}}
  %tokens, %targets = nanochat.tokens batch = batch seq = 2
} update {
}

// -----

func.func @numbers() { // numbers-c1
  // expected-error @+1 {{is 2 numbers of type 'tensor<3xf32>'}}
  %n = nanochat.numbers [1.0, 0.5] : tensor<3xf32>
  return
}

// -----

nanochat.model @listed { // model-c4
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %a = nanochat.param "a" constant(1.0) role "norm" : tensor<2xf32>
  %n = nanochat.param "n" constant(1.0) role "norm" : tensor<f32>
  nanochat.objective "train" %n : tensor<f32>
  nanochat.metric "mtp" %a : tensor<2xf32>
  // expected-error @+1 {{has the name 'mtp.2', which is taken}}
  nanochat.metric "mtp.2" %n : tensor<f32>
} update {
}

// -----

nanochat.model @long { // model-c18
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %a = nanochat.param "a" constant(1.0) role "norm" : tensor<65xf32>
  %n = nanochat.param "n" constant(1.0) role "norm" : tensor<f32>
  nanochat.objective "train" %n : tensor<f32>
  // expected-error @+1 {{has the type 'tensor<65xf32>'; vectors other than 'nll' are logged by element, in the forward region, at most 64 of them}}
  nanochat.metric "x" %a : tensor<65xf32>
} update {
}
