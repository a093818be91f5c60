// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

nanochat.model @names { // model-c1
  %a = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  // expected-error @+1 {{is declared twice: parameter names are unique}}
  %b = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %a : tensor<f32>
} update {
}

// -----

// expected-error @+2 {{has no objective}}
// expected-note @+1 {{end the forward region with: nanochat.objective "train" %loss : tensor<f32>}}
nanochat.model @objective { // model-c2
  %a = nanochat.param "w" constant(0.0) role "matrix" : tensor<f32>
} update {
}

// -----

nanochat.model @shapes { // param-c1
  // expected-error @+1 {{has type 'tensor<?xf32>': shapes are static}}
  %a = nanochat.param "w" constant(0.0) role "matrix" : tensor<?xf32>
  %loss = nanochat.param "loss" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
}

// -----

nanochat.model @stacks { // param-c2
  // expected-error @+1 {{is stacked, so it needs a leading dimension before its own; found 'tensor<3xf32>'}}
  %a = nanochat.param "w" constant(0.0) role "norm" stack "layers" : tensor<3xf32>
  %loss = nanochat.param "loss" constant(0.0) role "matrix" : tensor<f32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
}
