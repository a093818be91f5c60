#include "dialect/StepIR.h"
#include "dialect/ops/layers/Loss.h"
#include "dialect/ops/model/Sizes.h"
#include "lib/Pipelines/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <numeric>

namespace mlir::nanochat {
#define GEN_PASS_DEF_SETSIZESPASS
#include "lib/Pipelines/Passes.h.inc"

namespace {
constexpr int64_t kLargestSize = std::numeric_limits<int32_t>::max();
/// Offsets of stacks, and operations of products of three sides, stay far from overflow.
constexpr int64_t kMostElements = int64_t(1) << 38;

struct SetSizesPass : impl::SetSizesPassBase<SetSizesPass> {
  using SetSizesPassBase::SetSizesPassBase;

  void runOnOperation() override {
    for (auto model : getOperation().getOps<ModelOp>()) {
      SmallVector<SizeChoice> choices = readChoices();
      if (ways > 1 && failed(split(model, choices)))
        return signalPassFailure();
      if (failed(set(model, choices)) || failed(checkElements(model)))
        return signalPassFailure();
      if (wholeTokens)
        setChunks(model);
    }
    record();
  }

  LogicalResult set(ModelOp model, ArrayRef<SizeChoice> choices) {
    return model.getSizes() ? setDeclared(model, choices) : setLoops(model, choices);
  }

  /// Adds to the choices, which say the whole step, what makes it one of `ways` parts.
  LogicalResult split(ModelOp model, SmallVectorImpl<SizeChoice> &choices) {
    OwningOpRef<ModelOp> whole = model.clone();
    if (failed(set(*whole, choices)))
      return failure();
    TokensOp tokens = *whole->getForward().getOps<TokensOp>().begin();
    int64_t batch = tokens.getBatch(), accum = tokens.getAccum(), each = std::gcd(accum, int64_t(ways));
    int64_t ofBatch = ways / each;
    if (batch % ofBatch) {
      InFlightDiagnostic diag = emitError(tokens.getLoc())
                                << "a step of " << accum * batch << " sequences, " << accum << " times " << batch
                                << ", does not split into " << int64_t(ways) << " equal sums";
      diag.attachNote() << "choose batch and accum whose product is a multiple of " << int64_t(ways)
                        << ", or another number of --ways or --ranks";
      return diag;
    }
    if (ofBatch > 1)
      wholeTokens = batch * tokens.getSeq();
    std::string place = "--ways=" + std::to_string(ways);
    if (ofBatch > 1)
      choices.push_back({"batch", std::to_string(batch / ofBatch), place});
    if (each > 1)
      choices.push_back({"accum", std::to_string(accum / each), place});
    return success();
  }

  /// A choice is "name=value", and may end with " of " and where it is made.
  SmallVector<SizeChoice> readChoices() {
    return llvm::map_to_vector(sizes, [](StringRef text) {
      auto [choice, place] = text.split(kPlace);
      auto [name, value] = choice.split('=');
      return SizeChoice{name.str(), value.str(), (place.empty() ? "--set " + choice : place).str()};
    });
  }

  /// Of a model that declares its sizes.
  /// Heads of a part of a batch have as many logits at a time as those of all of it: their products lose with every
  /// chunk.
  void setChunks(ModelOp model) const {
    TokensOp tokens = *model.getForward().getOps<TokensOp>().begin();
    int64_t rows = bestChunkRows(tokens.getBatch() * tokens.getSeq(), mostChunkRows(wholeTokens));
    model.walk([&](HeadOpInterface head) {
      if (!head->getInherentAttr("chunk").value_or(Attribute()))
        head.setChunkRows(rows);
    });
  }

  LogicalResult setDeclared(ModelOp model, ArrayRef<SizeChoice> choices) {
    Sizes declared(model.getSizesAttr(), model.getSettingsAttr(), model.getPresetsAttr(), model.getLoc());
    if (failed(declared.choose(preset)))
      return failure();
    bool isPreset = true; // but for how much it reads at a time; what the user names is one all the same
    for (const SizeChoice &choice : choices) {
      if (failed(declared.set(choice)))
        return failure();
      isPreset &= !preset.empty() || llvm::is_contained({"batch", "seq", "accum"}, choice.name);
    }
    if (failed(declared.apply({&model.getForward(), &model.getUpdate()})))
      return failure();
    makePlain(model);
    if (isPreset && !declared.getPreset().empty())
      model.setSymName((model.getSymName() + "_" + declared.getPreset()).str());
    return success();
  }

  /// Of one that does not.
  LogicalResult setLoops(ModelOp model, ArrayRef<SizeChoice> choices) {
    if (!preset.empty()) {
      InFlightDiagnostic diag = emitError(model.getLoc()) << "--preset=" << preset << ": the model has no presets";
      diag.attachNote() << "it declares no sizes; --set changes batch, seq, accum and the counts of its loops";
      return diag;
    }
    for (const SizeChoice &choice : choices) {
      int64_t value;
      if (StringRef(choice.value).getAsInteger(10, value) || value < 1 || value > kLargestSize) {
        InFlightDiagnostic diag = emitError(model.getLoc())
                                  << choice.place << ": expected name=value with a whole number from 1 to "
                                  << kLargestSize;
        diag.attachNote() << "for instance --set batch=4,seq=128";
        return diag;
      }
      if (failed(set(model, choice, value)))
        return failure();
    }
    for (Region &region : model->getRegions())
      if (!region.empty() && failed(reinfer(region.front())))
        return failure();
    return success();
  }

  static LogicalResult checkElements(ModelOp model) {
    for (Region &region : model->getRegions())
      if (!region.empty() && failed(checkElements(region.front(), 1)))
        return failure();
    return success();
  }

  /// Refuses what cannot be counted: tensors of no elements, or of more than kMostElements over `iterations` of the
  /// loops around.
  static LogicalResult checkElements(Block &block, int64_t iterations) {
    for (Operation &op : block) {
      for (Type type : op.getResultTypes()) {
        auto tensor = dyn_cast<RankedTensorType>(type);
        int64_t elements = iterations;
        bool isTooMany = tensor && llvm::any_of(tensor.getShape(), [&](int64_t size) {
                           return llvm::MulOverflow(elements, size, elements) || elements > kMostElements;
                         });
        if (isTooMany)
          return op.emitOpError("has a result ")
                 << type << " in " << iterations << " iterations: no machine holds that many elements";
        if (elements == 0)
          return op.emitOpError("has a result ") << type << " without elements: every size is at least 1";
      }
      int64_t inside = iterations;
      if (auto loop = dyn_cast<LoopOp>(op)) {
        if (llvm::MulOverflow(inside, int64_t(loop.getCount()), inside) || inside > kMostElements)
          return op.emitOpError("runs ") << loop.getCount() << " times within " << iterations
                                         << " iterations: no program ends that";
        if (failed(checkElements(loop.getBody().front(), inside)))
          return failure();
      }
    }
    return success();
  }

  LogicalResult set(ModelOp model, const SizeChoice &choice, int64_t value) {
    Builder b(&getContext());
    StringRef name = choice.name;
    bool isOfBatch = llvm::is_contained({"batch", "seq", "accum"}, name);
    SmallVector<StringRef> names{"batch", "seq", "accum"};
    bool found = isOfBatch;
    model.walk([&](Operation *op) {
      if (auto loop = dyn_cast<LoopOp>(op)) {
        if (!llvm::is_contained(names, loop.getLoopName()))
          names.push_back(loop.getLoopName());
        if (loop.getLoopName() != name)
          return;
        loop.setCount(value);
        found = true;
      } else if (auto param = dyn_cast<ParamOp>(op); param && param.getStack() == name) {
        auto type = cast<RankedTensorType>(param.getType());
        SmallVector<int64_t> shape(type.getShape());
        shape[0] = value;
        param.getResult().setType(RankedTensorType::get(shape, type.getElementType()));
      } else if (auto last = dyn_cast<LastStepOp>(op); last && last.getLoopName() == name) {
        last.setCount(value);
      } else if (isOfBatch && op->getInherentAttr(name).value_or(Attribute())) {
        op->setInherentAttr(b.getStringAttr(name), b.getI64IntegerAttr(value));
      }
    });
    if (found)
      return success();
    InFlightDiagnostic diag = emitError(model.getLoc())
                              << choice.place << ": the model has no size '" << name << "'" << suggest(name, names);
    diag.attachNote() << "sizes are batch, seq, accum and the names of its loops";
    return diag;
  }

  int64_t wholeTokens = 0; // of a micro-batch that ways have parts of; 0 where they have none

  /// Leaves the sizes in force on the module.
  void record() {
    Builder b(&getContext());
    NamedAttrList all;
    getOperation().walk([&](Operation *op) {
      if (auto loop = dyn_cast<LoopOp>(op))
        all.set(loop.getLoopName(), b.getI64IntegerAttr(loop.getCount()));
      if (auto tokens = dyn_cast<TokensOp>(op)) {
        all.set("batch", b.getI64IntegerAttr(tokens.getBatch()));
        all.set("seq", b.getI64IntegerAttr(tokens.getSeq()));
        all.set("accum", b.getI64IntegerAttr(tokens.getAccum()));
      }
    });
    if (ways > 1 || ranks > 1) {
      all.set("ways", b.getI64IntegerAttr(ways));
      all.set("ranks", b.getI64IntegerAttr(ranks));
    }
    if (tensor > 1)
      all.set("tensor", b.getI64IntegerAttr(tensor));
    getOperation()->setAttr(kSizesAttr, all.getDictionary(&getContext()));
  }
};
} // namespace
} // namespace mlir::nanochat
