// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

nanochat.model @unknown_rule { // optimizer-c1
  %loss = nanochat.scalar "loss" = 0.0 : tensor<f32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  // expected-error @+2 {{names the unknown update rule 'adamww'}}
  // expected-note @+1 {{rules are adamw, adamw8, foam, galore, gum, lion, muon, muon8, sgd, soap}}
  nanochat.optimizer "adamww" for ["matrix"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
}

// -----

nanochat.model @unknown_option { // optimizer-c2
  %loss = nanochat.scalar "loss" = 0.0 : tensor<f32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  // expected-error @+2 {{has the unknown option "beta3" of 'adamw'}}
  // expected-note @+1 {{options are the attributes of nanochat.adamw}}
  nanochat.optimizer "adamw" for ["matrix"] lr(%lr) weight_decay(%lr) {config = {beta3 = 0.9 : f64}} : tensor<f32>, tensor<f32>
}

// -----

func.func @gradient_of_another_shape(%w: tensor<4x2xf32>, %g: tensor<2x4xf32>, %lr: tensor<f32>) { // update-c1
  // expected-error @+1 {{updates a parameter of type 'tensor<4x2xf32>' with a gradient of type 'tensor<2x4xf32>'}}
  %0 = nanochat.sgd %w, %g lr %lr weight_decay %lr : tensor<4x2xf32>, tensor<2x4xf32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @missing_states(%w: tensor<4x2xf32>, %lr: tensor<f32>) { // update-c2
  // expected-error @+4 {{has 0 states, expected 3}}
  // expected-note @+3 {{needs 'm' of type 'tensor<4x2xf32>'}}
  // expected-note @+2 {{needs 'v' of type 'tensor<4x2xf32>'}}
  // expected-note @+1 {{needs 'count' of type 'tensor<f32>'}}
  %0 = nanochat.adamw %w, %w lr %lr weight_decay %lr : tensor<4x2xf32>, tensor<4x2xf32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @state_of_another_type(%w: tensor<4x2xf32>, %m: tensor<2x4xf32>, %lr: tensor<f32>) { // update-c3
  // expected-error @+1 {{state 'momentum' has type 'tensor<2x4xf32>', expected 'tensor<4x2xf32>'}}
  %0:2 = nanochat.muon %w, %w lr %lr weight_decay %lr states %m : tensor<2x4xf32>
    : tensor<4x2xf32>, tensor<4x2xf32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @muon_on_a_vector(%w: tensor<4xf32>, %lr: tensor<f32>) { // muon-c1
  // expected-error @+2 {{is for matrices, but its parameter has type 'tensor<4xf32>'}}
  // expected-note @+1 {{leave roles that are not hidden matrices}}
  %0:2 = nanochat.muon %w, %w lr %lr weight_decay %lr states %w : tensor<4xf32>
    : tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @muon8_on_a_vector(%w: tensor<4xf32>, %q: tensor<1x4xi8>, %s: tensor<1xf32>, %lr: tensor<f32>) { // muon8-c1
  // expected-error @+2 {{is for matrices, but its parameter has type 'tensor<4xf32>'}}
  // expected-note @+1 {{leave roles that are not hidden matrices}}
  %0:3 = nanochat.muon8 %w, %w lr %lr weight_decay %lr states %q, %s : tensor<1x4xi8>, tensor<1xf32>
    : tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>
  return
}

// -----

nanochat.model @option_of_another_type { // optimizer-c3
  %loss = nanochat.scalar "loss" = 0.0 : tensor<f32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  // expected-error @+1 {{of rule 'galore': attribute 'rank' failed to satisfy constraint}}
  nanochat.optimizer "galore" for ["matrix"] lr(%lr) weight_decay(%lr) {config = {rank = 1.5 : f64}} : tensor<f32>, tensor<f32>
}

// -----

func.func @foam_on_a_scalar(%w: tensor<f32>) { // foam-c1
  // expected-error @+1 {{folds the last dimension, which a scalar has not}}
  %0:1 = nanochat.foam %w, %w lr %w weight_decay %w : tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @unknown_variance(%w: tensor<4xf32>, %m: tensor<1xf32>, %lr: tensor<f32>) { // foam-c2
  // expected-error @+1 {{has variance = "paper", expected "square_of_mean" or "mean_of_squares"}}
  %0:4 = nanochat.foam %w, %w lr %lr weight_decay %lr states %m, %m, %lr : tensor<1xf32>, tensor<1xf32>, tensor<f32> {variance = "paper"}
    : tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @unknown_clip(%w: tensor<4x8xf32>, %r: tensor<2x8xf32>, %p: tensor<4x2xf32>, %lr: tensor<f32>) { // galore-c1
  // expected-error @+1 {{has clip = "global", expected "none" or "projected"}}
  %0:3 = nanochat.galore %w, %r lr %lr weight_decay %lr states %p, %lr : tensor<4x2xf32>, tensor<f32> {rank = 2, base = "sgd", clip = "global"}
    : tensor<4x8xf32>, tensor<2x8xf32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @unknown_base(%w: tensor<4x8xf32>, %r: tensor<2x8xf32>, %p: tensor<4x2xf32>, %lr: tensor<f32>) { // galore-c2
  // expected-error @+1 {{has base = "lion", expected "sgd", "adam", "adam8" or "muon"}}
  %0:3 = nanochat.galore %w, %r lr %lr weight_decay %lr states %p, %lr : tensor<4x2xf32>, tensor<f32> {rank = 2, base = "lion"}
    : tensor<4x8xf32>, tensor<2x8xf32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @galore_on_a_vector(%w: tensor<4xf32>, %lr: tensor<f32>) { // galore-c3
  // expected-error @+2 {{is for matrices, but its parameter has type 'tensor<4xf32>'}}
  // expected-note @+1 {{leave roles that are not hidden matrices}}
  %0:1 = nanochat.galore %w, %w lr %lr weight_decay %lr : tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @soap_on_a_vector(%w: tensor<4xf32>, %lr: tensor<f32>) { // soap-c1
  // expected-error @+2 {{is for matrices, but its parameter has type 'tensor<4xf32>'}}
  // expected-note @+1 {{leave roles that are not hidden matrices}}
  %0:1 = nanochat.soap %w, %w lr %lr weight_decay %lr : tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @gum_always(%w: tensor<4x8xf32>, %p: tensor<4x4xf32>, %s: tensor<3xi32>, %lr: tensor<f32>) { // gum-c1
  // expected-error @+1 {{picks matrices with probability 1.000000e+00, expected one between 0 and 1}}
  %0:4 = nanochat.gum %w, %w lr %lr weight_decay %lr stream %s states %p, %w, %lr : tensor<4x4xf32>, tensor<4x8xf32>, tensor<f32> {full = 1.0 : f64}
    : tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @gum_on_a_vector(%w: tensor<4xf32>, %s: tensor<3xi32>, %lr: tensor<f32>) { // gum-c2
  // expected-error @+2 {{is for matrices, but its parameter has type 'tensor<4xf32>'}}
  // expected-note @+1 {{leave roles that are not hidden matrices}}
  %0:1 = nanochat.gum %w, %w lr %lr weight_decay %lr stream %s : tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @norm_of_nothing() { // grad_norm-c1
  // expected-error @+2 {{needs at least one gradient}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "nanochat.grad_norm"() : () -> tensor<f32>
  return
}

// -----

func.func @mixed_precisions(%g: tensor<4xf32>, %h: tensor<4xf64>) { // grad_norm-c2
  // expected-error @+1 {{mixes precisions: 'tensor<4xf64>' beside 'tensor<4xf32>'}}
  %0 = nanochat.grad_norm %g, %h : tensor<4xf32>, tensor<4xf64>
  return
}

// -----

func.func @clip_to_nothing(%norm: tensor<f32>) { // clip_scale-c1
  // expected-error @+1 {{max = 0.000000e+00 leaves no gradient: expected a positive norm}}
  %0 = nanochat.clip_scale %norm {max = 0.0 : f64} : tensor<f32>
  return
}

// -----

nanochat.model @hyper { // optimizer-c4
  %tokens, %targets = nanochat.tokens batch = 2 seq = 8
  %phi = nanochat.param "phi" normal(0.02) role "hyper" : tensor<24x48xf32>
  %loss = nanochat.number 1.0 : tensor<f32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  // expected-error @+1 {{projects gradients of role 'hyper'}}
  nanochat.optimizer "galore" for ["matrix", "hyper"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
}
