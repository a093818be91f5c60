#include "lib/Driver/Budget.h"
#include "lib/Driver/Compilation.h"
#include "lib/Planner/Plan.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Candidates that a search compiles at most: half a minute's.
static constexpr int64_t kMost = 32;
/// And for each way out.
static constexpr int64_t kMostPerWay = 3;
/// Ways out that are told.
static constexpr size_t kWays = 3;

/// Leaves `optimizers`, as --optimizer takes them, no rule for matrices.
static void takeFromMatrices(std::vector<std::string> &optimizers) {
  for (std::string &given : optimizers) {
    auto [roles, rule] = StringRef(given).split('=');
    SmallVector<StringRef> names;
    roles.split(names, '+');
    llvm::erase(names, "matrix");
    given = names.empty() ? "" : llvm::join(names, "+") + "=" + rule.str();
  }
  llvm::erase(optimizers, "");
}

namespace {
/// Looks for what a user could change where no program fits.
class WaysOut {
public:
  WaysOut(ModuleOp model, const CompileOptions &options, const Rates &rates, TimingScope &timing)
      : model(model), options(options), rates(rates), timing(timing) {}

  /// The three fastest per token of: more memory, roundings that are not allowed yet, an optimizer with less state,
  /// shorter sequences; one of these where that is enough, else several.
  std::vector<WayOut> find(Candidates &candidates, const SearchSpace &space, const SearchResult &leanest) {
    const int64_t tokens = space.tokens;
    int64_t megabytes = llvm::divideCeil(leanest.evaluation.bytes, 1000 * 1000);
    SearchResult raised = candidates.search(space, megabytes * 1000 * 1000, kMost);
    add("--budget=" + std::to_string(megabytes) + "MB", raised.evaluation, tokens);
    const std::vector<std::string> stream{"stream=bf16"}, masters{"masters=bf16"}, both{"masters=bf16", "stream=bf16"},
        all{"masters=int8", "masters=bf16", "stream=bf16"};
    for (bool lean : {false, true})
      for (int64_t shorter : {1, 2, 4}) {
        int64_t length = shorter > 1 ? tokens / shorter : 0;
        if (found.size() >= kWays + 1 || !consider(all, lean, length, false))
          continue; // nor do fewer roundings
        for (const auto &roundings : {std::vector<std::string>(), stream, masters, both, all})
          if (found.size() < kWays + 1 && (lean || length || !roundings.empty()))
            consider(roundings, lean, length, true);
      }
    llvm::stable_sort(found, [](auto &x, auto &y) { return x.perToken < y.perToken; });
    std::vector<WayOut> ways;
    for (auto &way : ArrayRef(found).take_front(kWays))
      ways.push_back(way.way);
    return ways;
  }

private:
  struct Found {
    WayOut way;
    double perToken;
  };

  /// Whether a program fits with these changes, which `isWay` lists.
  bool consider(const std::vector<std::string> &roundings, bool lean, int64_t tokens, bool isWay) {
    ScopedDiagnosticHandler silence(model.getContext(), [](Diagnostic &) { return success(); });
    CompileOptions changed = options;
    PipelineOptions &row = changed.rows[0];
    llvm::append_range(changed.allowed, roundings);
    std::vector<std::string> change;
    if (lean) {
      takeFromMatrices(row.optimizers);
      row.optimizers.push_back("matrix=galore:rank=256:base=adam8:clip=projected");
      for (const std::string &optimizer : row.optimizers)
        change.push_back("--optimizer=" + optimizer);
    }
    if (tokens) {
      row.sizes.push_back({"seq", std::to_string(tokens), "--budget"});
      change.push_back("--set seq=" + std::to_string(tokens));
    }
    Candidates candidates(model, row, changed, rates, timing);
    FailureOr<SearchSpace> space = candidates.findSpace();
    if (failed(space))
      return false;
    SearchResult best = candidates.search(*space, options.budget, isWay ? kMostPerWay : 1);
    if (!best.fits || !isWay)
      return best.fits;
    if (std::string choice = best.choice.spell(); !choice.empty())
      change.push_back(choice);
    add(llvm::join(change, " "), best.evaluation, space->tokens);
    return true;
  }

  void add(const std::string &options, const Evaluation &evaluation, int64_t tokens) {
    if (llvm::none_of(found, [&](auto &other) { return other.way.options == options; }))
      found.push_back({{options, evaluation}, evaluation.seconds / double(tokens)});
  }

  ModuleOp model;
  const CompileOptions &options;
  const Rates &rates;
  TimingScope &timing;
  std::vector<Found> found;
};
} // namespace

LogicalResult mlir::nanochat::fitBudget(ModuleOp model, CompileOptions &options, const Rates &rates,
                                        TimingScope &timing, std::vector<WayOut> &waysOut) {
  TimingScope scope = timing.nest("budget");
  Candidates candidates(model, options.rows[0], options, rates, scope);
  FailureOr<SearchSpace> space = candidates.findSpace();
  if (failed(space) || failed(candidates.check(space->fixed)))
    return failure();
  if (std::string given = space->fixed.spell(); !given.empty())
    llvm::errs() << "note: --budget leaves as given: " << given << "\n";
  SearchResult found = candidates.search(*space, options.budget, kMost);
  const Candidate &choice = found.choice;
  if (found.evaluation.bytes == kFitsNowhere)
    return candidates.check(choice);
  if (!found.fits) {
    waysOut = WaysOut(model, options, rates, scope).find(candidates, *space, found);
    InFlightDiagnostic diag = emitError((*model.getOps<ModelOp>().begin()).getLoc())
                              << "no program of the model fits into " << gigabytes(options.budget)
                              << ": the leanest takes " << gigabytes(found.evaluation.bytes) << " ("
                              << candidates.largestClasses(choice) << ")";
    for (const WayOut &way : waysOut)
      diag.attachNote() << "with " << way.options << " it takes " << gigabytes(way.evaluation.bytes) << " and "
                        << llvm::formatv("{0:f3}", way.evaluation.seconds).str() << " s a step";
    return diag;
  }
  options.choice = choice.spell();
  for (PipelineOptions &row : options.rows)
    row = with(row, choice);
  return success();
}
