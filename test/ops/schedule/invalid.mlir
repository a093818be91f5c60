// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @decay_over_more_than_all_steps(%lr: tensor<f32>) { // wsd-c1
  // expected-error @+1 {{decay = 2.000000e+00 is not a fraction of the steps: expected 0 to 1}}
  %now = nanochat.wsd %lr, %lr, %lr {decay = 2.0 : f64} : tensor<f32>
  return
}

// -----

func.func @negative_warmup(%lr: tensor<f32>) {
  // expected-error @+1 {{attribute 'warmup' failed to satisfy constraint}}
  %now = nanochat.cosine %lr, %lr, %lr {warmup = -1} : tensor<f32>
  return
}

// -----

func.func @switches_after_the_run(%lr: tensor<f32>) { // two_stage-c1
  // expected-error @+1 {{at = 1.500000e+00 is not a fraction of the steps: expected 0 to 1}}
  %now = nanochat.two_stage %lr, %lr, %lr second = 0.0 at = 1.5 : tensor<f32>
  return
}
