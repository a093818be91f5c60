#include "lib/Driver/Layouts.h"
#include "lib/Driver/Compilation.h"
#include "lib/Planner/ProcessMemory.h"

using namespace mlir;
using namespace mlir::nanochat;
namespace json = llvm::json;

static json::Object describe(ModuleOp planned, const PipelineOptions &layout, const CompileOptions &options,
                             const Rates &rates) {
  Communication found = communicationOf(planned, layout.distribution.ranks, rates, options.network);
  return json::Object{{"tensor", layout.distribution.tensor},
                      {"ways", layout.distribution.ways},
                      {"bytes_sent_per_step", int64_t(found.sent)},
                      {"exchange_seconds", found.seconds},
                      {"exposed_seconds", found.exposed},
                      {"seconds_per_step", found.step},
                      {"total_bytes", memoryOf(planned, layout.target, options.threads).total()}};
}

json::Array mlir::nanochat::compareLayouts(ModuleOp model, ModuleOp planned, const PipelineOptions &row,
                                           const CompileOptions &options, const Rates &rates, TimingScope &timing) {
  json::Array layouts;
  int64_t ranks = row.distribution.ranks;
  constexpr int64_t kMost = 8; // each layout is compiled
  if (ranks == 1 || ranks > kMost || !options.network)
    return layouts;
  ScopedDiagnosticHandler silence(model.getContext(), [](Diagnostic &) { return success(); });
  for (int64_t tensor : {1, 2, 4, 8}) {
    if (tensor == row.distribution.tensor) {
      layouts.push_back(describe(planned, row, options, rates));
      continue;
    }
    PipelineOptions layout = row;
    layout.distribution.tensor = tensor;
    layout.distribution.ways = ranks / tensor;
    if (tensor > 1)
      layout.distribution.shard = "none";
    OwningOpRef<ModuleOp> copy = model.clone();
    if (ranks % tensor == 0 && succeeded(Compilation(*copy, layout, timing).runTo(Known::plan)))
      layouts.push_back(describe(*copy, layout, options, rates));
  }
  return layouts;
}
