#include "dialect/Nanochat.h"
#include "lib/Autodiff/Passes.h"
namespace mlir::nanochat {
#define GEN_PASS_DEF_DIFFERENTIATEPASS
#include "lib/Autodiff/Passes.h.inc"
struct DifferentiatePass : impl::DifferentiatePassBase<DifferentiatePass> {
  void runOnOperation() override {}
};
}
