#include "lib/Driver/Budget.h"
#include "lib/Driver/Compilation.h"
#include "lib/Planner/Plan.h"
#include "lib/Planner/ProcessMemory.h"
#include "lib/Planner/Search.h"
#include "lib/Planner/StepTime.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Candidates that a search compiles at most: half a minute's.
static constexpr int64_t kMost = 32;

static PipelineOptions with(const PipelineOptions &row, const Candidate &candidate) {
  PipelineOptions changed = row;
  changed.memory = candidate.memory;
  if (candidate.batch)
    for (auto [name, value] : {std::pair("batch", candidate.batch), std::pair("accum", candidate.accum)})
      changed.sizes.push_back({name, std::to_string(value), "--budget"});
  return changed;
}

namespace {
/// Compiles candidates of one model.
class Evaluator {
public:
  Evaluator(ModuleOp model, const CompileOptions &options, const Rates &rates, TimingScope &timing)
      : model(model), options(options), rates(rates), timing(timing) {}

  /// What there is to decide, from the model as it is said; fails where that does not compile.
  FailureOr<SearchSpace> findSpace() {
    OwningOpRef<ModuleOp> said = model.clone();
    Compilation compilation(*said, options.rows[0], timing);
    if (failed(compilation.runTo("model")))
      return failure();
    SearchSpace space = spaceOf(*said);
    return failed(compilation.runTo(Known::plan)) ? FailureOr<SearchSpace>() : space;
  }

  /// What does not compile fits nowhere.
  Evaluation operator()(const Candidate &candidate) {
    ScopedDiagnosticHandler silence(model.getContext(), [](Diagnostic &) { return success(); });
    FailureOr<OwningOpRef<ModuleOp>> module = plan(candidate);
    if (failed(module))
      return {std::numeric_limits<int64_t>::max(), 0};
    return {memoryOf(**module, options.rows[0].target, options.threads).total(),
            timeOf(collectFloors(**module), rates).predicted};
  }

  /// The classes of memory that take most, for messages.
  std::string largest(const Candidate &candidate) {
    FailureOr<OwningOpRef<ModuleOp>> module = plan(candidate);
    if (failed(module))
      return "";
    auto classes = memoryOf(**module, options.rows[0].target, options.threads).classes;
    llvm::stable_sort(classes, [](auto x, auto y) { return x.second > y.second; });
    std::string text;
    for (auto [name, bytes] : ArrayRef(classes).take_front(4))
      text += (text.empty() ? "" : ", ") + name.str() + " " + gigabytes(bytes);
    return text;
  }

private:
  /// Of a model after stage `model`.
  SearchSpace spaceOf(ModuleOp said) {
    const PipelineOptions &row = options.rows[0];
    SearchSpace space;
    space.fixed.memory = row.memory;
    auto isAllowed = [&](StringRef rounding) { return llvm::is_contained(options.allowed, rounding); };
    if (isAllowed("masters=bf16") && row.memory.masters.empty())
      space.masters = {"matrix", "embedding"};
    DictionaryAttr sizes = getProgram(said).getSizes();
    auto sizeOf = [&](StringRef name) {
      auto size = sizes.getAs<IntegerAttr>(name);
      return size ? size.getInt() : 0;
    };
    space.tokens = std::max<int64_t>(1, sizeOf("seq"));
    bool isGiven = llvm::any_of(row.sizes, [](const SizeChoice &size) {
      return llvm::is_contained({"batch", "accum"}, size.name) && StringRef(size.place).starts_with("--set");
    });
    if (!isGiven && sizeOf("accum"))
      space.sequences = sizeOf("batch") * sizeOf("accum");
    auto isFixed = [&](StringRef loop) {
      return llvm::any_of(row.memory.recompute, [&](StringRef given) { return given.split('=').first == loop; });
    };
    for (auto of : said.getOps<ModelOp>()) {
      of.getForward().walk([&](Operation *op) {
        auto loop = dyn_cast<LoopOp>(op);
        if (loop && !isFixed(loop.getLoopName()) && !llvm::is_contained(space.loops, loop.getLoopName()))
          space.loops.push_back(loop.getLoopName().str());
        // Those of layers, which are many, not the states between repetitions of the stack.
        bool isOfLayers = loop && loop.getNumCarries() && llvm::any_of(loop.getSlices(), [](Value stack) {
                            return bool(stack.getDefiningOp<ParamOp>());
                          });
        if (isOfLayers && isAllowed("stream=bf16") && row.memory.streams.empty() &&
            !llvm::is_contained(space.streams, loop.getLoopName()))
          space.streams.push_back(loop.getLoopName().str());
        space.codes |= isa<TernaryLinearOp>(op) && !options.isCodesGiven;
        space.chunk |= isa<HeadOpInterface>(op) && !row.memory.chunk;
      });
    }
    return space;
  }

  FailureOr<OwningOpRef<ModuleOp>> plan(const Candidate &candidate) {
    OwningOpRef<ModuleOp> module = model.clone();
    PipelineOptions row = with(options.rows[0], candidate);
    if (failed(Compilation(*module, row, timing).runTo(Known::plan)))
      return failure();
    return module;
  }

  ModuleOp model;
  const CompileOptions &options;
  const Rates &rates;
  TimingScope &timing;
};
} // namespace

LogicalResult mlir::nanochat::fitBudget(ModuleOp model, CompileOptions &options, const Rates &rates,
                                        TimingScope &timing) {
  TimingScope scope = timing.nest("budget");
  Evaluator evaluate(model, options, rates, scope);
  FailureOr<SearchSpace> space = evaluate.findSpace();
  if (failed(space))
    return failure();
  if (std::string given = space->fixed.spell(); !given.empty())
    llvm::errs() << "note: --budget leaves as given: " << given << "\n";
  SearchResult found = search(*space, options.budget, kMost, evaluate);
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  if (found.evaluation.bytes == kNever) { // a model of fixed shapes takes no other batch
    space->sequences = 0;
    found = search(*space, options.budget, kMost, evaluate);
  }
  const Candidate &choice = found.choice;
  if (!found.fits) {
    std::string what = evaluate.largest(choice);
    InFlightDiagnostic diag = emitError((*model.getOps<ModelOp>().begin()).getLoc())
                              << "no program of the model fits into " << gigabytes(options.budget)
                              << ": the leanest takes " << gigabytes(found.evaluation.bytes) << " (" << what << ")";
    diag.attachNote()
        << "a shorter sequence (--set seq=…), an optimizer with less state (--optimizer matrix=galore:rank=256) or "
           "fewer parameters would take less; so would roundings, --allow=masters=bf16,stream=bf16";
    return diag;
  }
  options.choice = choice.spell();
  for (PipelineOptions &row : options.rows)
    row = with(row, choice);
  return success();
}
