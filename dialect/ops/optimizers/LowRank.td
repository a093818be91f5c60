#ifndef NANOCHAT_OPS_LOWRANK_TD
#define NANOCHAT_OPS_LOWRANK_TD
include "dialect/ops/optimizers/Optimizer.td"

// Orthonormal bases of the range of matrices, and small dense problems they lead to.

def Nanochat_CholeskyInverseOp : Nanochat_ComputeOp<"cholesky_inverse", [InfersFirstType, WholeTensors,
    DeclareOpInterfaceMethods<KernelOpInterface>, DeclareOpInterfaceMethods<CostOpInterface>]> {
  let summary = "Inverse of the Cholesky factor of a small matrix";
  let description = [{
    For symmetric K (s, s): the lower triangular X = L⁻¹ with L·Lᵀ = K + shift·trace(K)·I. Pivots
    below 1e-8·trace(K) count as that, so that a singular K gives finite numbers.
  }];
  let arguments = (ins FloatMatrix:$k, DefaultValuedAttr<Finite, "0.0">:$shift);
  let results = (outs FloatMatrix:$x);
  let assemblyFormat = "$k attr-dict `:` type($k)";
  let hasVerifier = 1;
}

def Nanochat_SymmetricEigenOp : Nanochat_ComputeOp<"symmetric_eigen", [InfersTypes, WholeTensors,
    DeclareOpInterfaceMethods<KernelOpInterface>, DeclareOpInterfaceMethods<CostOpInterface>]> {
  let summary = "Eigenvalues and eigenvectors of a small symmetric positive semidefinite matrix";
  let description = [{
    values (s), falling, and vectors (s, s), one in each row, of a (s, s), by one-sided Jacobi rotations in f64:
    sweeps over all pairs of rows of V·a until each pair has a cosine of at most 1e-12, or `sweeps` of them; the
    larger row goes first, which takes fewer. Rounded to the type of a, |vᵢᵀ·a·vⱼ| ≤ 2ε·(lᵢ + lⱼ) + ε²·trace(a) with
    the ε of that type, and rows are orthonormal to ε whatever the rank of a. Signs are what the rotations give.
    Hestenes 1958; de Rijk 1989; Golub and Van Loan, §8.6.
  }];
  let arguments = (ins FloatMatrix:$a, DefaultValuedAttr<Count, "60">:$sweeps);
  let results = (outs FloatVector:$values, FloatMatrix:$vectors);
  let assemblyFormat = "$a attr-dict `:` type($a)";
  let hasVerifier = 1;
}

def Nanochat_OrthonormalizeOp : Nanochat_ComputeOp<"orthonormalize", [InfersFirstType, WholeTensors,
    DeclareOpInterfaceMethods<CostOpInterface>]> {
  let summary = "Orthonormal columns with the range of a tall matrix";
  let description = [{
    q (m, s), qᵀq = I, of y (m, s), m ≥ s: the Q of its QR factorisation with a positive diagonal, by
    CholeskyQR: y ← y·L⁻ᵀ with L·Lᵀ = yᵀy, three times, the first with a shift of 1e-6·trace, which lets
    condition numbers up to 1/rounding pass (shifted CholeskyQR3, Fukaya et al., arXiv:1809.11085).
  }];
  let arguments = (ins FloatMatrix:$y);
  let results = (outs FloatMatrix:$q);
  let assemblyFormat = "$y attr-dict `:` type($y)";
  let hasVerifier = 1;
}

def Nanochat_LowRankBasisOp : Nanochat_ComputeOp<"low_rank_basis", [WholeTensors, DeclareOpInterfaceMethods<CostOpInterface>]> {
  let summary = "The leading singular vectors of a matrix, by a randomised SVD";
  let description = [{
    For g (m, n) with m ≤ n: p (m, r), nearly its first r left singular vectors; for m > n: p (n, r),
    right ones. Halko, Martinsson and Tropp (arXiv:0909.4061): the range of g·Ω with Ω (n, r + oversample)
    of `random_signs` of `stream` at (matrix, step), refined by `iterations` of power iteration with an orthonormal
    basis in between, then the eigenvectors of the small Gram matrix. A random floor of 1e-5 completes the
    basis where the rank of g is smaller. What is drawn later are later elements of the stream. r is the number of
    columns of p.
  }];
  let arguments = (ins FloatMatrix:$g, StreamWords:$stream, IntScalar:$matrix, IntScalar:$step,
      DefaultValuedAttr<Natural, "10">:$oversample,
      DefaultValuedAttr<Natural, "1">:$iterations);
  let results = (outs FloatMatrix:$p);
  let assemblyFormat = "$g `,` $stream `,` $matrix `,` $step attr-dict `:` type($g) `to` type($p)";
  let hasVerifier = 1;
}

def Nanochat_RefreshScheduleOp : Nanochat_ComputeOp<"refresh_schedule", [Pointwise, VerifiedByOds]> {
  let summary = "Which of a stack of matrices are due for something periodic";
  let description = [{
    Element l of the result (L), or the rank-0 result, stands for matrix k = first + l of `of` in all: l + 1 if it
    is due at `step` (rank-0 i32), else 0. All are at step 0; then each once in `period` steps, spread evenly:
    where step mod period = ⌊k·period/of⌋.
  }];
  let arguments = (ins IntScalar:$step, Count:$period, Natural:$first, Count:$of);
  let results = (outs TensorRankOf<[I32], [0, 1]>:$due);
  let assemblyFormat = "$step attr-dict `:` type($due)";
}

#endif // NANOCHAT_OPS_LOWRANK_TD
