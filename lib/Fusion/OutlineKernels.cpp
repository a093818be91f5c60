#include "dialect/Formats.h"
#include "dialect/StepIR.h"
#include "dialect/interfaces/Cost.h"
#include "lib/Fusion/Passes.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_OUTLINEKERNELSPASS
#include "lib/Fusion/Passes.h.inc"

namespace {
/// `@kernel`: the dispatch's body as a function, detached.
func::FuncOp toFunction(DispatchOp dispatch) {
  OpBuilder b(dispatch.getContext());
  auto type = b.getFunctionType(dispatch.getInputs().getTypes(), dispatch.getResultTypes());
  auto func = func::FuncOp::create(dispatch.getLoc(), "kernel", type);
  func.setPrivate();
  int64_t flops = 0;
  Format arithmetic = Format::f32;
  for (Operation &op : dispatch.getBody().front().without_terminator()) {
    flops += getFlops(&op);
    if (Format own = getArithmetic(&op); own != Format::f32)
      arithmetic = own;
  }
  auto inplace = dispatch.getInplace().empty() ? DenseI64ArrayAttr() : b.getDenseI64ArrayAttr(dispatch.getInplace());
  setKernel(func, KernelAttr::get(b.getContext(), dispatch.getKind(), inplace, flops, arithmetic, 0, 0, 0, 0));
  IRMapping map;
  dispatch.getBody().cloneInto(&func.getBody(), map);
  Operation *yield = func.getBody().front().getTerminator();
  b.setInsertionPoint(yield);
  func::ReturnOp::create(b, yield->getLoc(), yield->getOperands());
  yield->erase();
  return func;
}

/// Names a kernel by class and the shape it computes: "gemm_1024x384".
std::string describe(DispatchOp dispatch) {
  std::string name = stringifyDispatchClass(dispatch.getKind()).str();
  auto shape = cast<RankedTensorType>(dispatch.getResult(0).getType()).getShape();
  for (auto [i, size] : llvm::enumerate(shape))
    name += (i ? "x" : "_") + std::to_string(size);
  return name;
}

struct OutlineKernelsPass : impl::OutlineKernelsPassBase<OutlineKernelsPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    llvm::StringMap<func::FuncOp> kernels;
    for (auto entry : getEntries(getOperation()))
      entry.walk([&](DispatchOp dispatch) {
        if (dispatch.getKernel())
          return;
        func::FuncOp func = toFunction(dispatch);
        std::string text;
        llvm::raw_string_ostream os(text);
        func->print(os, OpPrintingFlags().useLocalScope());
        auto [it, isNew] = kernels.try_emplace(text, func);
        if (isNew) {
          func.setName(describe(dispatch));
          symbols.insert(func);
        } else {
          func->erase();
        }
        dispatch.setKernelAttr(FlatSymbolRefAttr::get(it->second));
        dispatch.getBody().getBlocks().clear();
      });
  }
};
} // namespace
} // namespace mlir::nanochat
