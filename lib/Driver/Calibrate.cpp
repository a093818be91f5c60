#include "lib/Driver/Calibrate.h"
#include "lib/Driver/Compilation.h"
#include "lib/Driver/TemporaryFile.h"
#include "lib/Planner/Floors.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Program.h"

using namespace mlir;
using namespace mlir::nanochat;

/// models/looplm.mlir, of sizes at which kernels run as they do in larger models.
static constexpr const char kModel[] = {
#include "lib/Driver/CalibrationModel.inc"
    , 0};
static const SizeChoice kSizes[] = {{"d", "512", ""},      {"layers", "2", ""}, {"n_loops", "2", ""},
                                    {"vocab", "8192", ""}, {"batch", "2", ""},  {"seq", "256", ""}};
/// Products of numbers and little else, for arithmetic that the first has not.
static constexpr const char *kProducts = R"mlir(
nanochat.model @products {
  %tokens, %targets = nanochat.tokens batch = 2 seq = 256
  %E = nanochat.param "embed" normal(0.02) role "embedding" : tensor<8192x512xf32>
  %W = nanochat.param "w" normal(0.02) role "matrix" : tensor<512x512xf32>
  %e = nanochat.embedding %tokens, %E : tensor<512xi32>, tensor<8192x512xf32>
  %h = nanochat.linear %e, %W : tensor<512x512xf32>, tensor<512x512xf32>
  %loss, %nll = nanochat.linear_cross_entropy %h, %E, %targets : tensor<512x512xf32>, tensor<8192x512xf32>, tensor<512xi32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 1.0e-3 : tensor<f32>
  nanochat.optimizer "sgd" for ["embedding", "matrix"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
}
)mlir";
static constexpr const char *kSteps = "3"; // the first of which does not count

namespace {
struct Sum {
  double work = 0, seconds = 0, best = 0;
};
} // namespace

/// What a profile says of the kernels in `floors`, by kind.
static LogicalResult addUp(ArrayRef<DispatchFloor> floors, StringRef profile, llvm::StringMap<Sum> &sums, Sum &calls) {
  auto rows = llvm::json::parse(profile);
  if (!rows) {
    llvm::consumeError(rows.takeError());
    return failure();
  }
  if (!rows->getAsArray())
    return failure();
  llvm::StringMap<const DispatchFloor *> byName;
  for (const DispatchFloor &floor : floors)
    byName[floor.kernel] = &floor;
  for (const llvm::json::Value &value : *rows->getAsArray()) {
    const llvm::json::Object &row = *value.getAsObject();
    const DispatchFloor *floor = byName.lookup(*row.getString("kernel"));
    double count = double(*row.getInteger("calls")), seconds = *row.getNumber("seconds");
    constexpr int64_t kSmall = 1 << 14,
                      kLarge = 1 << 20; // bytes: of what takes no time but that of a call, and of what takes none of it
    if (!floor || count == 0 || seconds <= 0)
      continue;
    if (floor->bytes < kSmall)
      calls.work += count, calls.seconds += seconds;
    if (floor->bytes < kLarge)
      continue;
    bool isProduct = floor->kind == "gemm" || floor->kind == "attention";
    double work = count * double(isProduct || floor->kind == "generic" ? floor->operations : floor->bytes);
    if (work == 0)
      continue;
    Sum &sum = sums[isProduct ? (floor->kind + " " + floor->arithmetic).str() : floor->kind.str()];
    sum.work += work, sum.seconds += seconds, sum.best = std::max(sum.best, work / seconds);
  }
  return success();
}

/// Runs a model as options.rows[0] compiles it and adds what kernels took.
static LogicalResult measure(MLIRContext &context, const char *text, CompileOptions options, int64_t threads,
                             llvm::StringMap<Sum> &sums, Sum &calls) {
  TemporaryFile model("mlir", text), program("exe"), profile("json");
  options.emit = "exe";
  options.output = program.path().str();
  const PipelineOptions &row = options.rows[0];
  if (compile(model.path(), context, options) != kOk)
    return failure();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  DefaultTimingManager timing;
  TimingScope scope = timing.getRootScope();
  if (!module || failed(Compilation(*module, row, scope).runTo(Known::plan)))
    return failure();
  std::string count = std::to_string(threads);
  SmallVector<StringRef> args{program.path(), "train", "--copy-task",    "--steps",     kSteps, "--eval-every", "0",
                              "--threads",    count,   "--profile-file", profile.path()};
  std::optional<StringRef> silent[] = {StringRef(), StringRef(), std::nullopt};
  std::string why;
  if (llvm::sys::ExecuteAndWait(program.path(), args, std::nullopt, silent, 0, 0, &why))
    return emitError(UnknownLoc::get(&context)) << "the program that measures this machine failed " << why;
  auto rows = llvm::MemoryBuffer::getFile(profile.path());
  if (!rows || failed(addUp(collectFloors(*module), (*rows)->getBuffer(), sums, calls)))
    return emitError(UnknownLoc::get(&context)) << "the program that measures this machine wrote no profile";
  return success();
}

FailureOr<Rates> mlir::nanochat::calibrate(MLIRContext &context, CompileOptions options, int64_t threads) {
  const Target row = options.rows[0].target;
  llvm::StringMap<Sum> sums;
  Sum calls;
  options.rows[0].sizes.assign(std::begin(kSizes), std::end(kSizes));
  if (failed(measure(context, kModel, options, threads, sums, calls)))
    return failure();
  if (row.facts.bf16) {
    options.rows[0].sizes.clear();
    options.rows[0].target.numerics.dense = Format::bf16;
    llvm::StringMap<Sum> others;
    Sum ignored;
    if (failed(measure(context, kProducts, options, threads, others, ignored)))
      return failure();
    for (auto &[kind, sum] : others)
      sums.try_emplace(kind, sum);
  }
  Rates rates = guessedRates(row, threads);
  rates.machine = machineName();
  for (auto &[kind, sum] : sums)
    if (llvm::is_contained(rateKinds(), kind) && sum.seconds > 0) {
      rates.mean[kind.str()] = sum.work / sum.seconds;
      rates.best[kind.str()] = sum.best;
    }
  if (calls.work > 0)
    rates.call = calls.seconds / calls.work;
  return rates;
}
