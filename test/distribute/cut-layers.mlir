// What lies between two linears is cut by heads or channels: the first by outputs, the second by inputs. Parts are taken in front of the loops, so that gradients are of parts.
// RUN: nanochat-opt %s -split-input-file -nanochat-cut-layers -verify-diagnostics | FileCheck %s
module {
  nanochat.program "cut" attributes {sizes = {ranks = 2 : i64, ways = 1 : i64, tensor = 2 : i64}} {
  }
  // CHECK-LABEL: nanochat.model @cut
  // CHECK: %[[RANK:.*]] = nanochat.group_rank among 2
  nanochat.model @cut {
    %tokens, %targets = nanochat.tokens batch = 2 seq = 4
    // CHECK: %[[E:.*]] = nanochat.param "embed"
    // CHECK: %[[WORDS:.*]] = nanochat.part %[[E]] at %[[RANK]] dim 0 among 2 : tensor<257x8xf32>
    %E = nanochat.param "embed" normal(0.02) role "embedding" : tensor<257x8xf32>
    // CHECK: %[[W:.*]] = nanochat.param "layers.q"
    // CHECK: %[[Q:.*]] = nanochat.part %[[W]] at %[[RANK]] dim 1 among 2 : tensor<3x8x8xf32>
    %Wq = nanochat.param "layers.q" normal(0.02) role "matrix" stack "layers" : tensor<3x8x8xf32>
    %Bq = nanochat.param "layers.bias" constant(0.0) role "bias" stack "layers" : tensor<3x8xf32>
    // CHECK: nanochat.param "layers.o"
    // CHECK: %[[O:.*]] = nanochat.part %{{.*}} at %[[RANK]] dim 2 among 2 : tensor<3x8x8xf32>
    %Wo = nanochat.param "layers.o" normal(0.02) role "matrix" stack "layers" : tensor<3x8x8xf32>
    // CHECK: %[[UP:.*]] = nanochat.param "up"
    // CHECK: nanochat.part %[[UP]] at %[[RANK]] dim 0 among 2 : tensor<12x8xf32>
    %Wu = nanochat.param "up" normal(0.02) role "matrix" : tensor<12x8xf32>
    %Wd = nanochat.param "down" normal(0.02) role "matrix" : tensor<8x12xf32>
    // CHECK: %[[X:.*]] = nanochat.embedding %{{.*}}, %[[E]]
    %x0 = nanochat.embedding %tokens, %E : tensor<8xi32>, tensor<257x8xf32>
    // CHECK: nanochat.loop "layers" = 3 carry(%[[CARRY:.*]] = %[[X]] : tensor<8x8xf32>)
    %x = nanochat.loop "layers" = 3 carry(%x = %x0 : tensor<8x8xf32>)
        slice(%wq = %Wq : tensor<3x8x8xf32>, %bq = %Bq : tensor<3x8xf32>, %wo = %Wo : tensor<3x8x8xf32>) {
      // All that reads the same activations lets them in once.
      // CHECK: %[[IN:.*]] = nanochat.to_group %[[CARRY]] among 2
      // CHECK: nanochat.linear %[[IN]], %{{.*}} bias %{{.*}} : tensor<8x8xf32>, tensor<4x8xf32> bias tensor<4xf32>
      %q = nanochat.linear %x, %wq bias %bq : tensor<8x8xf32>, tensor<8x8xf32> bias tensor<8xf32>
      // CHECK: nanochat.linear %[[IN]]
      %k = nanochat.linear %x, %wq : tensor<8x8xf32>, tensor<8x8xf32>
      // CHECK: nanochat.attention %{{.*}} heads = 2 kv_heads = 2 seq = 4 : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>
      %y, %lse = nanochat.attention %q, %k, %k heads = 4 kv_heads = 4 seq = 4 : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>
      // CHECK: nanochat.linear %{{.*}} among 2 : tensor<8x4xf32>, tensor<8x4xf32>
      %o = nanochat.linear %y, %wo : tensor<8x8xf32>, tensor<8x8xf32>
      %z = arith.addf %x, %o : tensor<8x8xf32>
      nanochat.yield %z : tensor<8x8xf32>
    }
    %q, %s = nanochat.quantize_rows %x : tensor<8x8xf32>
    // Scales are of whole matrices.
    // CHECK: nanochat.ternarize %{{.*}} of %[[UP]] : tensor<12x8xf32> : tensor<6x8xf32>
    %t, %gamma = nanochat.ternarize %Wu : tensor<12x8xf32>
    // CHECK: nanochat.ternary_matmul %{{.*}} outputs_among 2 : tensor<8x8xi8>, tensor<8xf32>, tensor<6x8xi8>
    %u = nanochat.ternary_matmul %q, %s, %t, %gamma : tensor<8x8xi8>, tensor<8xf32>, tensor<12x8xi8>, tensor<f32>
    %m = nanochat.gelu %u : tensor<8x12xf32>
    // CHECK: nanochat.quantize_rows %{{.*}} among 2 : tensor<8x6xf32>
    %qm, %sm = nanochat.quantize_rows %m : tensor<8x12xf32>
    %td, %gd = nanochat.ternarize %Wd : tensor<8x12xf32>
    // CHECK: nanochat.ternary_matmul %{{.*}} among 2 : tensor<8x6xi8>
    %d = nanochat.ternary_matmul %qm, %sm, %td, %gd : tensor<8x12xi8>, tensor<8xf32>, tensor<8x12xi8>, tensor<f32>
    // CHECK: %[[H:.*]] = nanochat.to_group
    // CHECK: nanochat.linear_cross_entropy %[[H]], %[[WORDS]], %{{.*}} part %[[RANK]] among 2 of 257
    %loss, %nll = nanochat.linear_cross_entropy %d, %E, %targets : tensor<8x8xf32>, tensor<257x8xf32>, tensor<8xi32>
    nanochat.objective "train" %loss : tensor<f32>
  } update {
    %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
    nanochat.optimizer "sgd" for ["embedding", "matrix", "bias"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
  }
}

// -----

// What others read is not cut.
module {
  nanochat.program "open" attributes {sizes = {ranks = 2 : i64, ways = 1 : i64, tensor = 2 : i64}} {
  }
  // expected-error @+2 {{has no linears for --tensor=2 to cut}}
  // expected-note @+1 {{it cuts those whose outputs go to attention or to functions of each channel}}
  nanochat.model @open {
    %tokens, %targets = nanochat.tokens batch = 2 seq = 4
    %E = nanochat.param "embed" normal(0.02) role "embedding" : tensor<257x8xf32>
    %Wu = nanochat.param "up" normal(0.02) role "matrix" : tensor<8x8xf32>
    %Wd = nanochat.param "down" normal(0.02) role "matrix" : tensor<8x8xf32>
    %x = nanochat.embedding %tokens, %E : tensor<8xi32>, tensor<257x8xf32>
    %u = nanochat.linear %x, %Wu : tensor<8x8xf32>, tensor<8x8xf32>
    %m = nanochat.gelu %u : tensor<8x8xf32>
    %d = nanochat.linear %m, %Wd : tensor<8x8xf32>, tensor<8x8xf32>
    %y = arith.addf %d, %m : tensor<8x8xf32>
    %loss, %nll = nanochat.linear_cross_entropy %y, %E, %targets : tensor<8x8xf32>, tensor<257x8xf32>, tensor<8xi32>
    nanochat.objective "train" %loss : tensor<f32>
  } update {
    %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
    nanochat.optimizer "sgd" for ["embedding", "matrix"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
  }
}

// -----

module {
  nanochat.program "channels" attributes {sizes = {ranks = 4 : i64, ways = 1 : i64, tensor = 4 : i64}} {
  }
  nanochat.model @channels {
    %tokens, %targets = nanochat.tokens batch = 2 seq = 4
    %E = nanochat.param "embed" normal(0.02) role "embedding" : tensor<257x8xf32>
    %Wu = nanochat.param "up" normal(0.02) role "matrix" : tensor<6x8xf32>
    %Wd = nanochat.param "down" normal(0.02) role "matrix" : tensor<8x6xf32>
    %x = nanochat.embedding %tokens, %E : tensor<8xi32>, tensor<257x8xf32>
    // expected-error @+2 {{has 6 outputs, which --tensor=4 does not divide}}
    // expected-note @+1 {{choose --tensor=2}}
    %u = nanochat.linear %x, %Wu : tensor<8x8xf32>, tensor<6x8xf32>
    %m = nanochat.gelu %u : tensor<8x6xf32>
    %d = nanochat.linear %m, %Wd : tensor<8x6xf32>, tensor<8x6xf32>
    %loss, %nll = nanochat.linear_cross_entropy %d, %E, %targets : tensor<8x8xf32>, tensor<257x8xf32>, tensor<8xi32>
    nanochat.objective "train" %loss : tensor<f32>
  } update {
    %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
    nanochat.optimizer "sgd" for ["embedding", "matrix"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
  }
}
