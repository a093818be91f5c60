#include "tools/nanochat-opt/Calibration.h"
#include "lib/Driver/Calibrate.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include "runtime/program/Processors.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::nanochat;

int mlir::nanochat::calibrateMachine(DialectRegistry &registry, const CalibrationOptions &options) {
  auto row = findTarget(options.target);
  if (!row || row->gpu || row->plain)
    nc::failInput("--calibrate measures this processor, not " + options.target,
                  "bench/gpu.sh measures a GPU; leave --target out");
  int64_t threads = nc::availableProcessors();
  std::string kept = ratesFile(options.cache, *row, threads);
  if (kept.empty() && options.output == "-")
    nc::failInput("there is no folder to keep rates in", "name a file with -o, or set NANOCHAT_CACHE");
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  CompileOptions compiling{{PipelineOptions{*row}}};
  compiling.runtime = options.runtime;
  compiling.cache = options.cache;
  FailureOr<Rates> rates = calibrate(context, compiling, threads);
  if (failed(rates))
    return kFailed;
  std::string text = printRates(*rates);
  llvm::outs() << text;
  if (!kept.empty()) {
    (void)llvm::sys::fs::create_directories(llvm::sys::path::parent_path(kept));
    nc::writeFile(kept, text);
  }
  if (options.output != "-")
    nc::writeFile(options.output, text);
  return kOk;
}
