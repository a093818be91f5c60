// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

nanochat.model @unknown_rule { // phase-c1
  %loss = nanochat.scalar "loss" = 0.0 : tensor<f32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  // expected-error @+2 {{names the unknown rule 'muon'}}
  // expected-note @+1 {{rules are fire}}
  nanochat.phase "p" rule "muon" for ["matrix"]
}

// -----

nanochat.model @unknown_option { // phase-c2
  %loss = nanochat.scalar "loss" = 0.0 : tensor<f32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  // expected-error @+2 {{has the unknown option "step" of 'fire'}}
  // expected-note @+1 {{options are the attributes of nanochat.fire}}
  nanochat.phase "p" rule "fire" for ["matrix"] {config = {step = 5}}
}

// -----

func.func @fire_on_a_vector(%w: tensor<4xf32>) { // fire-c1
  // expected-error @+2 {{is for matrices, but its parameter has type 'tensor<4xf32>'}}
  // expected-note @+1 {{leave roles that are not hidden matrices}}
  %x = nanochat.fire %w : tensor<4xf32>
  return
}
