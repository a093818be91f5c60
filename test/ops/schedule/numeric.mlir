// RUN: nanochat-opt %s --nanochat-check-numeric

func.func @wsd_warms_up_stays_and_decays_towards_0_at_step_1000() -> (tensor<8xf32>, tensor<8xf32>) {
  %lr = arith.constant dense<2.0> : tensor<f32>
  %steps = arith.constant dense<1000.0> : tensor<f32>
  %at = arith.constant dense<[0.0, 49.0, 99.0, 500.0, 800.0, 900.0, 999.0, 1000.0]> : tensor<8xf32>
  %now = nanochat.loop "steps" = 8 slice(%step = %at : tensor<8xf32>) {
    %0 = nanochat.wsd %lr, %step, %steps : tensor<f32>
    nanochat.yield stack %0 : tensor<f32>
  }
  %expected = arith.constant dense<[0.02, 1.0, 2.0, 2.0, 2.0, 1.0, 0.01, 0.0]> : tensor<8xf32>
  return %now, %expected : tensor<8xf32>, tensor<8xf32>
}

func.func @wsd_decays_towards_final() -> (tensor<3xf64>, tensor<3xf64>) attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %lr = arith.constant dense<2.0> : tensor<f64>
  %steps = arith.constant dense<10.0> : tensor<f64>
  %at = arith.constant dense<[0.0, 8.0, 9.0]> : tensor<3xf64>
  %now = nanochat.loop "steps" = 3 slice(%step = %at : tensor<3xf64>) {
    %0 = nanochat.wsd %lr, %step, %steps {warmup = 0, decay = 0.4 : f64, final = 0.1 : f64} : tensor<f64>
    nanochat.yield stack %0 : tensor<f64>
  }
  %expected = arith.constant dense<[2.0, 1.1, 0.65]> : tensor<3xf64> // 2·(.1 + .9·{1, 1/2, 1/4})
  return %now, %expected : tensor<3xf64>, tensor<3xf64>
}

func.func @wsd_without_decay_stays_and_short_runs_only_warm_up() -> (tensor<2xf64>, tensor<2xf64>) {
  %lr = arith.constant dense<1.0> : tensor<f64>
  %steps = arith.constant dense<5.0> : tensor<f64>
  %at = arith.constant dense<[0.0, 4.0]> : tensor<2xf64>
  %now = nanochat.loop "steps" = 2 slice(%step = %at : tensor<2xf64>) {
    %0 = nanochat.wsd %lr, %step, %steps {warmup = 10, decay = 0.0 : f64} : tensor<f64>
    nanochat.yield stack %0 : tensor<f64>
  }
  %expected = arith.constant dense<[0.1, 0.5]> : tensor<2xf64>
  return %now, %expected : tensor<2xf64>, tensor<2xf64>
}

func.func @cosine_warms_up_and_falls_by_half_a_wave() -> (tensor<6xf32>, tensor<6xf32>) {
  %lr = arith.constant dense<2.0> : tensor<f32>
  %steps = arith.constant dense<110.0> : tensor<f32>
  %at = arith.constant dense<[0.0, 9.0, 10.0, 60.0, 109.0, 110.0]> : tensor<6xf32>
  %now = nanochat.loop "steps" = 6 slice(%step = %at : tensor<6xf32>) {
    %0 = nanochat.cosine %lr, %step, %steps {warmup = 10} : tensor<f32>
    nanochat.yield stack %0 : tensor<f32>
  }
  %expected = arith.constant dense<[0.2, 2.0, 2.0, 1.0, 4.9343964e-4, 0.0]> : tensor<6xf32>
  return %now, %expected : tensor<6xf32>, tensor<6xf32>
}

func.func @cosine_falls_to_final_and_outlives_a_run_shorter_than_its_warmup() -> (tensor<2xf64>, tensor<2xf64>) {
  %lr = arith.constant dense<2.0> : tensor<f64>
  %at = arith.constant dense<[60.0, 4.0]> : tensor<2xf64>
  %of = arith.constant dense<[110.0, 5.0]> : tensor<2xf64>
  %now = nanochat.loop "steps" = 2 slice(%step = %at : tensor<2xf64>, %steps = %of : tensor<2xf64>) {
    %0 = nanochat.cosine %lr, %step, %steps {warmup = 10, final = 0.1 : f64} : tensor<f64>
    nanochat.yield stack %0 : tensor<f64>
  }
  %expected = arith.constant dense<[1.1, 1.0]> : tensor<2xf64>
  return %now, %expected : tensor<2xf64>, tensor<2xf64>
}

func.func @two_stages_of_a_run_of_odd_length() -> (tensor<5xf32>, tensor<5xf32>) {
  %x = arith.constant dense<2.0> : tensor<f32>
  %steps = arith.constant dense<5.0> : tensor<f32>
  %at = arith.constant dense<[0.0, 1.0, 2.0, 3.0, 4.0]> : tensor<5xf32>
  %now = nanochat.loop "steps" = 5 slice(%step = %at : tensor<5xf32>) {
    %0 = nanochat.two_stage %x, %step, %steps second = 0.25 : tensor<f32>
    nanochat.yield stack %0 : tensor<f32>
  }
  %expected = arith.constant dense<[2.0, 2.0, 2.0, 0.5, 0.5]> : tensor<5xf32>
  return %now, %expected : tensor<5xf32>, tensor<5xf32>
}
