// Which linears of a model the ranks of a group compute together, and how these are cut.
#include "dialect/Linalg.h"
#include "dialect/StepIR.h"
#include "dialect/ops/model/Sizes.h"
#include "lib/Distribute/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include <numeric>

namespace mlir::nanochat {
#define GEN_PASS_DEF_CUTLAYERSPASS
#include "lib/Distribute/Passes.h.inc"

namespace {
/// A linear of floats, or of ternary weights with what makes codes of both factors.
struct Linear {
  Operation *op, *entrance; // its product, and what activations enter
  OpOperand *weight;

  static std::optional<Linear> of(Operation *op) {
    if (isa_and_present<LinearOp>(op))
      return Linear{op, op, &op->getOpOperand(1)};
    auto product = dyn_cast_or_null<TernaryMatmulOp>(op);
    auto quantizer = product ? product.getQ().getDefiningOp<QuantizeRowsOp>() : QuantizeRowsOp();
    auto ternarizer = product ? product.getT().getDefiningOp<TernarizeOp>() : TernarizeOp();
    if (!quantizer || !ternarizer)
      return std::nullopt;
    return Linear{op, quantizer, &ternarizer.getWMutable()};
  }
  LinearOp dense() const { return dyn_cast<LinearOp>(op); }
  TernaryMatmulOp product() const { return dyn_cast<TernaryMatmulOp>(op); }
  TernarizeOp ternarizer() const { return dyn_cast<TernarizeOp>(weight->getOwner()); }
  OpOperand &input() const { return entrance->getOpOperand(0); }
  int64_t outputs() const { return typeOf(weight->get()).getDimSize(0); }
};

/// Linears whose outputs are channels, or heads of these, that nothing mixes before another linear does.
struct Layer {
  SmallVector<Linear> outer;            // cut by outputs
  llvm::SetVector<Operation *> between; // on channels that a rank has
  Linear inner;                         // cut by inputs
};

/// The operands that have the channels of the results of `op`, each of which follows from the same ones, or from the
/// same heads; none where that is not so.
SmallVector<Value> channelsOf(Operation *op) {
  if (auto attention = dyn_cast<AttentionOp>(op))
    return {attention.getQ(), attention.getK(), attention.getV()};
  if (auto rope = dyn_cast<RopeOp>(op))
    return {rope.getX()};
  SmallVector<Value> operands;
  if (op->getNumResults() != 1 || !(op->hasTrait<PointwiseOp>() || OpTrait::hasElementwiseMappableTraits(op)))
    return {};
  for (Value operand : op->getOperands())
    if (auto type = dyn_cast<RankedTensorType>(operand.getType()); !type || type.getRank())
      operands.push_back(operand);
  bool areAlike = llvm::all_of(operands, [&](Value v) { return v.getType() == op->getResult(0).getType(); });
  return areAlike ? operands : SmallVector<Value>();
}

/// The layers of a model.
class LayerFinder {
public:
  explicit LayerFinder(ModelOp model) {
    model.getForward().walk([&](Operation *op) {
      if (auto linear = Linear::of(op))
        find(*linear);
    });
  }
  SmallVector<Layer> layers;

private:
  void find(const Linear &inner) {
    Layer layer{{}, {}, inner};
    if (outers.contains(inner.op) || !trace(inner.input().get(), layer) || !isClosed(layer))
      return;
    inners.insert(inner.op);
    for (const Linear &outer : layer.outer)
      outers.insert(outer.op);
    layers.push_back(std::move(layer));
  }

  /// Collects what makes `value`; false where that is something else than a layer's.
  bool trace(Value value, Layer &layer) const {
    Operation *op = value.getDefiningOp();
    if (!op || layer.between.contains(op))
      return op;
    if (auto linear = Linear::of(op)) {
      bool isKnown = llvm::any_of(layer.outer, [&](const Linear &other) { return other.op == op; });
      if (!isKnown)
        layer.outer.push_back(*linear);
      return !inners.contains(op);
    }
    SmallVector<Value> channels = channelsOf(op);
    layer.between.insert(op);
    return !channels.empty() && llvm::all_of(channels, [&](Value channel) { return trace(channel, layer); });
  }

  /// Does nothing else read what ranks will have parts of?
  static bool isClosed(const Layer &layer) {
    auto isRead = [&](Operation *op) {
      return llvm::all_of(op->getUsers(), [&](Operation *user) {
        return layer.between.contains(user) || user == layer.inner.entrance;
      });
    };
    return llvm::all_of(layer.outer, [&](const Linear &outer) { return isRead(outer.op); }) &&
           llvm::all_of(layer.between, isRead);
  }

  DenseSet<Operation *> outers, inners; // of the layers so far
};

/// Gives each of `among` ranks its part of a model's layers and of its vocabulary.
class LayerCutter {
public:
  LayerCutter(ModelOp model, int64_t among) : model(model), among(among), b(model.getLoc(), model.getContext()) {}

  LogicalResult run() {
    LayerFinder finder(model);
    if (finder.layers.empty()) {
      InFlightDiagnostic diag = model.emitOpError("has no linears for --tensor=") << among << " to cut";
      diag.attachNote()
          << "it cuts those whose outputs go to attention or to functions of each channel, and from there "
             "to another linear; leave it out";
      return diag;
    }
    for (const Layer &layer : finder.layers)
      if (failed(check(layer)))
        return failure();
    b.setInsertionPointToStart(&model.getForward().front());
    rank = GroupRankOp::create(b, among);
    for (const Layer &layer : finder.layers)
      cut(layer);
    model.getForward().walk([&](LinearCrossEntropyOp head) { cut(head); });
    return reinfer(model.getForward().front());
  }

private:
  LogicalResult check(const Layer &layer) const;
  LogicalResult checkNumbers(const Linear &linear) const;
  void cut(const Layer &layer);
  void cut(LinearCrossEntropyOp head);
  void cutWeight(const Linear &linear, int64_t dim);
  void enter(OpOperand &input);
  Value partOf(Value value, int64_t dim);

  ModelOp model;
  int64_t among;
  ImplicitLocOpBuilder b;
  Value rank;
  DenseMap<Value, Value> entered;
  DenseMap<std::pair<Value, int64_t>, Value> parts; // by whole and dimension
};
} // namespace

/// Says what other numbers of ranks a count could be cut among.
static LogicalResult refuse(InFlightDiagnostic diag, int64_t common) {
  SmallVector<std::string> others;
  for (int64_t other : {2, 4, 8})
    if (common % other == 0)
      others.push_back("--tensor=" + std::to_string(other));
  Diagnostic &note = diag.attachNote();
  others.empty() ? note << "leave it out, or choose other sizes" : note << "choose " << llvm::join(others, " or ");
  return diag;
}

LogicalResult LayerCutter::checkNumbers(const Linear &linear) const {
  auto isFp4 = [](std::optional<BackwardAttr> backward) { return backward && *backward && backward->hasFp4(); };
  bool isNarrow = linear.dense() ? linear.dense().getForward() || isFp4(linear.dense().getBackwardAttr())
                                 : isFp4(linear.product().getBackwardAttr());
  if (!isNarrow && !(linear.ternarizer() && linear.ternarizer().getGroup()))
    return success();
  InFlightDiagnostic diag = linear.op->emitOpError("is of ")
                            << (isNarrow ? "four-bit floats" : "weights scaled in groups")
                            << ", which --tensor=" << among << " does not cut";
  diag.attachNote() << (isNarrow ? "choose --backward=int16 and linears in f32, or leave it out"
                                 : "scale weights per tensor, as with --set group=0, or leave it out");
  return diag;
}

LogicalResult LayerCutter::check(const Layer &layer) const {
  if (failed(checkNumbers(layer.inner)))
    return failure();
  for (Operation *op : layer.between)
    if (auto attention = dyn_cast<AttentionOp>(op)) {
      int64_t heads = attention.getHeads(), shared = attention.getKvHeads();
      if (heads % among || shared % among)
        return refuse(attention.emitOpError("has ")
                          << heads << " heads, " << shared << " of keys and values, which --tensor=" << among
                          << " does not divide",
                      std::gcd(heads, shared));
    }
  for (const Linear &outer : layer.outer) {
    if (failed(checkNumbers(outer)))
      return failure();
    if (outer.outputs() % among)
      return refuse(outer.op->emitOpError("has ")
                        << outer.outputs() << " outputs, which --tensor=" << among << " does not divide",
                    outer.outputs());
  }
  return success();
}

/// The rank's part of `value`; of a slice of a stack, a slice of the stack's part, so that gradients are of parts
/// until all are known.
Value LayerCutter::partOf(Value value, int64_t dim) {
  if (Value known = parts.lookup({value, dim}))
    return known;
  auto arg = dyn_cast<BlockArgument>(value);
  auto loop = arg ? dyn_cast<LoopOp>(arg.getOwner()->getParentOp()) : LoopOp();
  Value stack = loop ? loop.getSlicedStack(value) : Value(), part;
  if (stack && typeOf(value).getDimSize(dim) % among == 0) {
    Value whole = partOf(stack, dim + 1);
    loop.getSlicesMutable().append(whole);
    part = loop.getBody().addArgument(LoopOp::sliceOf(whole.getType()), value.getLoc());
  } else {
    b.setInsertionPointAfterValue(value);
    part = PartOp::create(b, value, rank, dim, among);
  }
  return parts[{value, dim}] = part;
}

void LayerCutter::enter(OpOperand &input) {
  Value &value = entered[input.get()];
  if (!value) {
    b.setInsertionPointAfterValue(input.get());
    value = ToGroupOp::create(b, input.get(), among);
  }
  input.set(value);
}

void LayerCutter::cutWeight(const Linear &linear, int64_t dim) {
  Value whole = linear.weight->get();
  linear.weight->set(partOf(whole, dim));
  if (TernarizeOp ternarizer = linear.ternarizer())
    ternarizer.getWholeMutable().assign(whole);
}

void LayerCutter::cut(const Layer &layer) {
  for (const Linear &outer : layer.outer) {
    enter(outer.input());
    cutWeight(outer, 0);
    if (TernaryMatmulOp product = outer.product())
      product.setOutputsAmong(among);
    else if (Value bias = outer.dense().getBias())
      outer.dense().getBiasMutable().assign(partOf(bias, 0));
  }
  for (Operation *op : layer.between) {
    if (auto rope = dyn_cast<RopeOp>(op))
      rope.setHeads(rope.getHeads() / among);
    if (auto attention = dyn_cast<AttentionOp>(op)) {
      attention.setHeads(attention.getHeads() / among);
      attention.setKvHeads(attention.getKvHeads() / among);
    }
  }
  cutWeight(layer.inner, 1);
  if (LinearOp dense = layer.inner.dense())
    return dense.setAmong(among);
  layer.inner.product().setAmong(among);
  cast<QuantizeRowsOp>(layer.inner.entrance).setAmong(among);
}

void LayerCutter::cut(LinearCrossEntropyOp head) {
  head.setWords(typeOf(head.getW()).getDimSize(0));
  head.setAmong(among);
  head.getWMutable().set(partOf(head.getW(), 0));
  head.getRankMutable().assign(rank);
  enter(head.getHMutable());
}

namespace {
struct CutLayersPass : impl::CutLayersPassBase<CutLayersPass> {
  void runOnOperation() override {
    int64_t among = sizeOr(getProgram(getOperation()), "tensor", 1);
    for (auto model : getOperation().getOps<ModelOp>())
      if (among > 1 && failed(LayerCutter(model, among).run()))
        return signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
