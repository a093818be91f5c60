#include "lib/Driver/Candidates.h"
#include "lib/Driver/Compilation.h"
#include "lib/Planner/Plan.h"
#include "lib/Planner/ProcessMemory.h"
#include "lib/Planner/StepTime.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::nanochat;

PipelineOptions mlir::nanochat::with(const PipelineOptions &row, const Candidate &candidate) {
  PipelineOptions changed = row;
  changed.memory = candidate.memory;
  if (!candidate.shard.empty())
    changed.distribution.shard = candidate.shard;
  if (candidate.batch)
    for (auto [name, value] : {std::pair("batch", candidate.batch), std::pair("accum", candidate.accum)})
      changed.sizes.push_back({name, std::to_string(value), "--budget"});
  return changed;
}

FailureOr<SearchSpace> Candidates::findSpace() {
  OwningOpRef<ModuleOp> said = model.clone();
  if (failed(Compilation(*said, row, timing).runTo("model")))
    return failure();
  return spaceOf(*said);
}

/// Of the model with one micro-batch.
bool Candidates::canUpdateInBackward(int64_t accum) {
  ScopedDiagnosticHandler silence(model.getContext(), [](Diagnostic &) { return success(); });
  OwningOpRef<ModuleOp> said = model.clone();
  PipelineOptions changed = row;
  if (accum > 1)
    changed.sizes.push_back({"accum", "1", "--budget"});
  changed.memory.updateInBackward = true;
  return succeeded(Compilation(*said, changed, timing).runTo("optimize"));
}

LogicalResult Candidates::check(const Candidate &candidate) { return plan(candidate); }

/// Ways to store parameters of `roles` in fewer bits, the leanest first. Tables stay numbers: products with codes of
/// theirs would need all their numbers at once.
static std::vector<std::vector<std::string>> mastersOf(const llvm::StringSet<> &roles, bool int8, bool bf16) {
  std::vector<std::vector<std::string>> ways;
  auto add = [&](const char *ofMatrices) {
    std::vector<std::string> &way = ways.emplace_back();
    if (roles.contains("matrix"))
      way.push_back(ofMatrices);
    if (roles.contains("embedding") && bf16)
      way.push_back("embedding=bf16");
  };
  if (int8)
    add("matrix=int8");
  if (bf16)
    add("matrix=bf16");
  llvm::erase_if(ways, [](auto &way) { return way.empty(); });
  return ways;
}

/// Of a model after stage `model`.
SearchSpace Candidates::spaceOf(ModuleOp said) {
  SearchSpace space;
  space.fixed.memory = row.memory;
  auto isAllowed = [&](StringRef rounding) { return llvm::is_contained(options.allowed, rounding); };
  auto sizeOf = [&](StringRef name) { return sizeOr(getProgram(said), name, 0); };
  space.tokens = std::max<int64_t>(1, sizeOf("seq"));
  bool isGiven = llvm::any_of(row.sizes, [](const SizeChoice &size) {
    return llvm::is_contained({"batch", "accum"}, size.name) && StringRef(size.place).starts_with("--set");
  });
  if (!isGiven && sizeOf("accum"))
    space.sequences = sizeOf("batch") * sizeOf("accum") * row.distribution.ways; // of all ways
  auto isFixed = [&](StringRef loop) {
    return llvm::any_of(row.memory.recompute, [&](StringRef given) { return given.split('=').first == loop; });
  };
  llvm::StringSet<> roles;
  for (auto of : said.getOps<ModelOp>()) {
    for (auto param : of.getForward().getOps<ParamOp>())
      roles.insert(param.getRole());
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
  space.accum = std::max<int64_t>(1, sizeOf("accum"));
  if (row.memory.updateInBackward && space.sequences) { // of one micro-batch
    if (space.accum > 1)
      space.fixed.batch = space.sequences, space.fixed.accum = 1;
    space.sequences = 0;
  }
  space.update = !options.isUpdateGiven && canUpdateInBackward(space.accum);
  space.shares = !options.isShardGiven && row.distribution.ranks > 1 && row.distribution.tensor == 1;
  if (row.memory.masters.empty())
    space.masters = mastersOf(roles, isAllowed("masters=int8"), isAllowed("masters=bf16"));
  return space;
}

SearchResult Candidates::search(const SearchSpace &space, int64_t budget, int64_t most) {
  auto look = [&](const Candidate &candidate) { return evaluate(candidate); };
  SearchResult found = nanochat::search(space, budget, most, look);
  if (found.evaluation.bytes == kFitsNowhere) {
    SearchSpace asItIs = space; // a model of fixed shapes takes no other batch
    asItIs.sequences = 0;
    found = nanochat::search(asItIs, budget, most, look);
  }
  if (found.fits || !space.shares)
    return found;
  // What ranks own otherwise is not enough: exchanges within the step, which take longer, are better than no program.
  SearchSpace apart = space;
  apart.fixed.shard = "weights";
  apart.shares = apart.codes = false;
  return nanochat::search(apart, budget, most, look);
}

Evaluation Candidates::evaluate(const Candidate &candidate) {
  ScopedDiagnosticHandler silence(model.getContext(), [](Diagnostic &) { return success(); });
  FailureOr<OwningOpRef<ModuleOp>> module = plan(candidate);
  if (failed(module))
    return {kFitsNowhere, 0};
  return {memoryOf(**module, row.target, options.threads).total(), timeOf(collectFloors(**module), rates).predicted};
}

std::string Candidates::largestClasses(const Candidate &candidate) {
  FailureOr<OwningOpRef<ModuleOp>> module = plan(candidate);
  if (failed(module))
    return "";
  auto classes = memoryOf(**module, row.target, options.threads).classes;
  llvm::stable_sort(classes, [](auto x, auto y) { return x.second > y.second; });
  std::string text;
  for (auto [name, bytes] : ArrayRef(classes).take_front(4))
    text += (text.empty() ? "" : ", ") + name.str() + " " + gigabytes(bytes);
  return text;
}

FailureOr<OwningOpRef<ModuleOp>> Candidates::plan(const Candidate &candidate) {
  OwningOpRef<ModuleOp> module = model.clone();
  PipelineOptions chosen = with(row, candidate);
  if (failed(Compilation(*module, chosen, timing).runTo(Known::plan)))
    return failure();
  return module;
}
