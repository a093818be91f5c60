#include "lib/Distribute/ShareOut.h"
#include "dialect/Linalg.h"
#include "lib/Distribute/Exchanges.h"
#include "lib/Distribute/GatherAhead.h"
#include "lib/Distribute/Ternary.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::nanochat;

static constexpr int64_t kLeast = 1 << 16; // elements

static RankedTensorType withRows(RankedTensorType type, int64_t rows) {
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = rows;
  return withShape(type, shape);
}

RankedTensorType Divisible::share(int64_t ranks) const {
  return withRows(whole, int64_t(llvm::divideCeil(rows(), ranks)));
}

//===--- Which parameters --------------------------------------------------------------------===//

/// Does the rule keep for each row of the parameter what it keeps for a parameter of that row alone?
static bool keepsRowsApart(OptimizerOpInterface rule, RankedTensorType whole) {
  DictionaryAttr options = rule->getAttrDictionary();
  RuleForm form = formOf(rule->getName(), options, whole), ofRow = formOf(rule->getName(), options, withRows(whole, 1));
  if (form.gradient != whole)
    return false;
  return llvm::all_of(llvm::zip(form.states, ofRow.states), [&](auto pair) {
    auto &[kept, row] = pair;
    if (kept.type.getRank() == 0)
      return true;
    return kept.type.getNumElements() == whole.getDimSize(0) * row.type.getNumElements() &&
           kept.type.getDimSize(0) == whole.getDimSize(0) * row.type.getDimSize(0) &&
           kept.type.getShape().drop_front() == row.type.getShape().drop_front();
  });
}

DivisibleParams mlir::nanochat::findDivisible(ModuleOp module) {
  llvm::DenseSet<StringAttr> stacked, between;
  for (auto model : module.getOps<ModelOp>())
    for (auto param : model.getForward().getOps<ParamOp>())
      if (param.getStack())
        stacked.insert(param.getParamNameAttr());
  for (func::FuncOp entry : getEntries(module))
    for (unsigned i = 0; i < entry.getNumResults() && getEntry(entry).getKind() == EntryKind::phase; ++i)
      between.insert(getResultBinding(entry, i).getTensor());
  DivisibleParams params;
  llvm::DenseSet<StringAttr> refused;
  for (func::FuncOp entry : getEntries(module))
    for (auto rule : entry.getOps<OptimizerOpInterface>()) {
      if (getEntry(entry).getKind() != EntryKind::update)
        continue;
      StringAttr name = getArgBinding(entry, rule->getOperand(0)).getTensor();
      RankedTensorType type = typeOf(rule->getOperand(0));
      bool isStack = stacked.contains(name), hasRows = rule.getParamRank() == 0 && !between.contains(name);
      bool isWhole = type.getRank() < 2 || type.getNumElements() < kLeast || rule.drawsRandom() ||
                     !(isStack || hasRows) || !keepsRowsApart(rule, type);
      isWhole ? void(refused.insert(name)) : void(params[name] = {type});
    }
  params.remove_if([&](auto &entry) { return refused.contains(entry.first); });
  return params;
}

//===--- Updates -----------------------------------------------------------------------------===//

namespace {
/// Has one entry work on shares.
class ShareEntry {
public:
  ShareEntry(func::FuncOp entry, const DivisibleParams &params, int64_t ranks)
      : entry(entry), block(entry.getBody().front()), params(params), ranks(ranks), rewriter(entry) {}

  void update();
  void forward(bool byLayer, bool overlap);

private:
  const Divisible *find(BindAttr binding) const {
    const auto *found = params.find(binding.getTensor());
    return found == params.end() ? nullptr : &found->second;
  }
  void shareArgument(BlockArgument arg, RankedTensorType type, int64_t rows);
  void shareResults();
  void updateShare(Operation *rule, const Divisible &param);
  void setTypes() {
    entry.setFunctionType(rewriter.getFunctionType(block.getArgumentTypes(), block.getTerminator()->getOperandTypes()));
  }
  bool isOfLayers(LoopOp loop) const;
  LoopOp runOwnLayers(LoopOp loop, bool byLayer);

  func::FuncOp entry;
  Block &block;
  const DivisibleParams &params;
  int64_t ranks;
  IRRewriter rewriter;
  DenseMap<Value, int64_t> rowsOf; // of the whole, by argument
  SmallVector<ApartLayers> apart;
};
} // namespace

void ShareEntry::shareArgument(BlockArgument arg, RankedTensorType type, int64_t rows) {
  arg.setType(type);
  rowsOf[arg] = rows;
  entry.setArgAttr(arg.getArgNumber(), BindAttr::name, getArgBinding(entry, arg.getArgNumber()).sharedOut(rows));
}

/// Results have the share of the argument that they are bound as.
void ShareEntry::shareResults() {
  for (OpOperand &result : block.getTerminator()->getOpOperands()) {
    BindAttr binding = getResultBinding(entry, result.getOperandNumber());
    for (auto [arg, rows] : rowsOf) {
      BindAttr own = getArgBinding(entry, arg);
      if (own.getKind() == binding.getKind() && own.getTensor() == binding.getTensor())
        entry.setResultAttr(result.getOperandNumber(), BindAttr::name, own);
    }
  }
}

/// The rule, or what rewrites a parameter between phases, on shares of all that is its own.
void ShareEntry::updateShare(Operation *rule, const Divisible &param) {
  RankedTensorType share = param.share(ranks);
  for (Value operand : rule->getOperands()) {
    SmallVector<Operation *> scales;
    for (auto scale = operand.getDefiningOp<ScaleOp>(); scale; scale = operand.getDefiningOp<ScaleOp>()) {
      scales.push_back(scale);
      operand = scale.getX();
    }
    auto arg = dyn_cast<BlockArgument>(operand);
    RankedTensorType type = typeOf(operand);
    BindAttr binding = arg ? getArgBinding(entry, arg) : BindAttr();
    bool isOwn = binding && (binding.getKind() == BindingKind::parameter ||
                             binding.getKind() == BindingKind::gradient || binding.getKind() == BindingKind::state);
    if (!isOwn || type.getRank() == 0 || rowsOf.count(arg))
      continue;
    int64_t each = type.getDimSize(0) / param.rows(); // rows of a state for one of the parameter
    shareArgument(arg, withRows(type, share.getDimSize(0) * each), type.getDimSize(0));
    for (Operation *scale : scales)
      scale->getResult(0).setType(arg.getType());
  }
  rule->getResult(0).setType(share);
  auto states = rule->getOperands().take_back(rule->getNumResults() - 1);
  for (auto [result, state] : llvm::zip(rule->getResults().drop_front(), states))
    result.setType(state.getType());
}

void ShareEntry::update() {
  for (Operation &op : block.without_terminator()) {
    auto arg = op.getNumOperands() ? dyn_cast<BlockArgument>(op.getOperand(0)) : BlockArgument();
    BindAttr binding = arg ? getArgBinding(entry, arg) : BindAttr();
    bool isRule = isa<OptimizerOpInterface>(op) || getEntry(entry).getKind() == EntryKind::phase;
    if (const Divisible *param = binding && isRule ? find(binding) : nullptr;
        param && binding.getKind() == BindingKind::parameter)
      updateShare(&op, *param);
  }
  shareResults();
  setTypes();
}

//===--- Other entries -----------------------------------------------------------------------===//

/// Does the loop make of each layer of shares what follows from that layer alone?
bool ShareEntry::isOfLayers(LoopOp loop) const {
  if (loop->getBlock() != &block || loop.getNumCarries() || loop.getLimit() || loop.getSlices().empty())
    return false;
  bool isOfShares =
      llvm::all_of(loop.getSlices(), [&](Value slice) { return rowsOf.lookup(slice) == int64_t(loop.getCount()); });
  bool isClosed = true;
  loop.walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      isClosed &= op == loop || loop.getBody().isAncestor(operand.getParentRegion()) ||
                  (operand.getDefiningOp() && operand.getDefiningOp()->hasTrait<OpTrait::ConstantLike>());
  });
  return isOfShares && isClosed;
}

/// Is it a code of ternary weights, −1, 0 or 1?
static bool isTernaryCode(Value element) {
  if (auto panels = element.getDefiningOp<PackPanelsOp>())
    element = panels.getT();
  Operation *made = element.getDefiningOp();
  return isa_and_present<TernarizeOp, TernarizeByOp>(made) && made->getResult(0) == element;
}

/// Runs the loop on the rank's own layers; of what it makes, all is gathered, or with `byLayer` kept apart.
LoopOp ShareEntry::runOwnLayers(LoopOp loop, bool byLayer) {
  int64_t layers = loop.getCount();
  YieldOp yield = loop.getYield();
  SmallVector<ApartLayers> made;
  for (auto [stack, element] : llvm::zip(loop.getResults(), yield.getStacksMutable())) {
    bool isTernary = isTernaryCode(element.get());
    ImplicitLocOpBuilder b(loop.getLoc(), yield);
    bool isApart = byLayer && typeOf(stack).getNumElements() >= kLeast && isReadByLayers(stack);
    if (isApart && isTernary && (isTernary = packsTernary(typeOf(element.get()).getNumElements())))
      element.set(packTernary(b, element.get()));
    b.setInsertionPointAfter(loop);
    made.push_back({isApart ? standFor(b, typeOf(stack)) : Value(), stack, isTernary});
  }
  loop.setCount(int64_t(llvm::divideCeil(layers, ranks)));
  rewriter.setInsertionPoint(loop);
  LoopOp own = loop.rebuild(rewriter, ValueRange(), loop.getSlices());
  ImplicitLocOpBuilder b(loop.getLoc(), rewriter);
  b.setInsertionPointAfter(own);
  SmallVector<Value> all;
  for (auto [stack, old] : llvm::zip(own.getResults(), made)) {
    RankedTensorType whole = typeOf(old.share);
    old.share = stack;
    if (old.whole)
      apart.push_back(old);
    all.push_back(old.whole       ? old.whole
                  : old.isTernary ? gatherTernary(b, stack, whole)
                                  : gatherShares(b, stack, whole));
  }
  rewriter.replaceOp(loop, all);
  return own;
}

void ShareEntry::forward(bool byLayer, bool overlap) {
  SmallVector<BlockArgument> shares;
  for (BlockArgument arg : block.getArguments()) {
    BindAttr binding = getArgBinding(entry, arg);
    const Divisible *param = find(binding);
    if (!param || binding.getKind() != BindingKind::parameter)
      continue;
    shareArgument(arg, param->share(ranks), param->rows());
    shares.push_back(arg);
  }
  SmallVector<LoopOp> loops;
  for (LoopOp loop : block.getOps<LoopOp>())
    if (isOfLayers(loop))
      loops.push_back(loop);
  DenseSet<Operation *> own;
  for (LoopOp loop : loops)
    own.insert(runOwnLayers(loop, byLayer));
  for (BlockArgument share : shares) {
    auto readsWhole = [&](OpOperand &use) { return !own.contains(use.getOwner()); };
    if (llvm::none_of(share.getUses(), readsWhole))
      continue;
    ImplicitLocOpBuilder b = ImplicitLocOpBuilder::atBlockBegin(share.getLoc(), &block);
    RankedTensorType type = withRows(typeOf(share), rowsOf[share]);
    Value whole = standFor(b, type);
    share.replaceUsesWithIf(whole, readsWhole);
    if (byLayer && isReadByLayers(whole)) {
      apart.push_back({whole, share, /*isTernary=*/false});
    } else {
      rewriter.replaceOp(whole.getDefiningOp(), gatherShares(b, share, type));
    }
  }
  gatherAhead(block, apart, ranks, overlap);
  setTypes();
}

void mlir::nanochat::shareOut(ModuleOp module, const DivisibleParams &params, int64_t ranks, bool byLayer,
                              bool overlap) {
  for (func::FuncOp entry : getEntries(module)) {
    EntryKind kind = getEntry(entry).getKind();
    ShareEntry share(entry, params, ranks);
    kind == EntryKind::update || kind == EntryKind::phase ? share.update() : share.forward(byLayer, overlap);
  }
}
