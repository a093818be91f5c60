// What stages write down of the program in nanochat.program, where it is known.
#include "dialect/Linalg.h"
#include "dialect/StepIR.h"
#include "dialect/interfaces/Cost.h"
#include "dialect/ops/quantize/Fp4.h"
#include "lib/Program/Passes.h"
#include "lib/Targets/Target.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/xxhash.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_RECORDMODELPASS
#define GEN_PASS_DEF_RECORDSTEPPASS
#define GEN_PASS_DEF_RECORDWORKPASS
#include "lib/Program/Passes.h.inc"
} // namespace mlir::nanochat

using namespace mlir;
using namespace mlir::nanochat;

/// How often the model applies `value`: over its uses, the most iterations of the loops between it and the use.
static int64_t timesApplied(Value value) {
  int64_t most = 1;
  for (OpOperand &use : value.getUses()) {
    int64_t times = 1;
    Operation *user = use.getOwner();
    auto loop = dyn_cast<LoopOp>(user);
    if (loop) // Carried or sliced: each iteration sees its own, the body counts from there.
      times = timesApplied(loop.getBody().getArgument(use.getOperandNumber()));
    for (auto outer = user->getParentOfType<LoopOp>();
         outer && !outer->isAncestor(value.getParentRegion()->getParentOp()); outer = outer->getParentOfType<LoopOp>())
      times *= outer.getCount();
    most = std::max(most, times);
  }
  return most;
}

namespace {
struct RecordModelPass : mlir::nanochat::impl::RecordModelPassBase<RecordModelPass> {
  using RecordModelPassBase::RecordModelPassBase;

  void runOnOperation() override {
    FailureOr<Target> row = targetOf(getOperation());
    if (failed(row))
      return signalPassFailure();
    ProgramOp program = getOrCreateProgram(getOperation());
    program.setTarget(row->title());
    program.setDevice(row->onGpu() ? row->gpu->architecture() : "");
    program.setOnlyOnRequest(onlyOnRequest);
    program.setChoices(choices);
    if (auto sizes = getOperation()->getAttrOfType<DictionaryAttr>(kSizesAttr))
      program.setSizesAttr(sizes);
    getOperation()->removeAttr(kSizesAttr);
    for (auto model : getOperation().getOps<ModelOp>())
      record(program, model);
  }

  static void record(ProgramOp program, ModelOp model) {
    program.setModel(model.getSymName());
    int64_t stored = 0, effective = 0;
    for (auto param : model.getForward().getOps<ParamOp>()) {
      int64_t elements = cast<RankedTensorType>(param.getType()).getNumElements();
      stored += elements;
      effective += elements * (param.getRole() == "embedding" ? 1 : timesApplied(param.getResult()));
    }
    program.setParametersStored(stored);
    program.setParametersEffective(effective);
    model.walk([&](HeadOpInterface head) {
      if (!head.isAuxiliary())
        program.setVocab(cast<RankedTensorType>(head->getOperand(1).getType()).getDimSize(0));
    });
  }
};

/// Writes down the products of four-bit floats, each once, and takes their names from them: kernels of equal ones are
/// one.
void recordFp4(ProgramOp program) {
  SmallVector<Attribute> products;
  llvm::StringSet<> known;
  program->getParentOp()->walk([&](LinearOp op) {
    std::string site = op.getSite().value_or("").str() + ".y";
    if (!op.getForward() || !known.insert(site).second)
      return;
    int64_t codes = typeOf(op.getX()).getNumElements() + typeOf(op.getW()).getNumElements();
    int64_t scales = codes / factsOf(*op.getForward()).block;
    products.push_back(Fp4ProductAttr::get(op.getContext(), site, typeOf(op.getX()).getDimSize(1), codes, scales, 0));
  });
  program->getParentOp()->walk([&](BlockMatmulOp op) {
    StringAttr site = op.getSiteAttr();
    if (!site)
      return;
    op.removeSiteAttr();
    if (!known.insert(site).second)
      return;
    int64_t codes = op.getA().getType().getNumElements(), scales = 0, weights = 0;
    (op.getBScales() ? codes : weights) += typeOf(op.getB()).getNumElements();
    for (Value stored : {op.getAScales(), op.getBScales()})
      scales += stored ? denseBytes(stored.getType()) : 0;
    int64_t k = op.getA().getType().getDimSize(!op.getTransA());
    products.push_back(Fp4ProductAttr::get(op.getContext(), site, k, codes, scales, weights));
  });
  program.setFp4ProductsAttr(ArrayAttr::get(program.getContext(), products));
}

/// What `block` does of a model's work: not what it repeats.
int64_t modelFlops(Block &block) {
  int64_t flops = 0;
  for (Operation &op : block) {
    if (op.hasAttr(kRecomputedAttr))
      continue;
    auto loop = dyn_cast<LoopOp>(op);
    flops += loop && !loop.getLimit() ? loop.getCount() * modelFlops(loop.getBody().front()) : getFlops(&op);
  }
  return flops;
}

struct RecordWorkPass : nanochat::impl::RecordWorkPassBase<RecordWorkPass> {
  void runOnOperation() override {
    ProgramOp program = getOrCreateProgram(getOperation());
    // What ranks of a group compute together is the work of all of them.
    int64_t flops = 0, tokens = 1, together = sizeOr(program, "tensor", 1);
    if (func::FuncOp entry = findEntry(getOperation(), EntryKind::gradients, "train")) {
      flops = modelFlops(entry.getBody().front());
      entry.walk([&](SelectRowsOp op) { program.setKeptRows(op.getKeep()); });
    }
    for (StringRef name : {"batch", "seq", "accum"})
      tokens *= sizeOr(program, name, 1);
    program.setFlopsPerToken(together * flops / tokens);
    getOperation().walk([](Operation *op) { op->removeAttr(kRecomputedAttr); });
  }
};

struct RecordStepPass : mlir::nanochat::impl::RecordStepPassBase<RecordStepPass> {
  void runOnOperation() override {
    ProgramOp program = getOrCreateProgram(getOperation());
    std::string text = program.getChoices().str(); // some of which later stages carry out
    llvm::raw_string_ostream os(text);
    for (Operation &op : *getOperation().getBody())
      if (&op != program)
        op.print(os, OpPrintingFlags().useLocalScope());
    program.setIrHash(llvm::utohexstr(llvm::xxh3_64bits(text), true, 16));
    recordFp4(program);
  }
};
} // namespace
