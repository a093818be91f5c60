#include "lib/Driver/Compile.h"
#include "dialect/Nesting.h"
#include "dialect/StepIR.h"
#include "lib/Driver/Budget.h"
#include "lib/Driver/Compilation.h"
#include "lib/Driver/Layouts.h"
#include "lib/Driver/Link.h"
#include "lib/Planner/Plan.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "runtime/files/Files.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Writes the output, in whole or not at all.
static ExitCode writeOutput(const CompileOptions &options,
                            llvm::function_ref<LogicalResult(llvm::raw_pwrite_stream &)> writer) {
  auto content = inMemory(writer);
  if (failed(content))
    return kFailed;
  StringRef bytes = (*content)->getBuffer();
  if (options.output == "-")
    llvm::outs() << bytes;
  else
    nc::writeFile(options.output, bytes);
  return kOk;
}

/// The object that lists the programs of an executable.
static FailureOr<std::unique_ptr<llvm::MemoryBuffer>> listPrograms(Location loc, ArrayRef<std::string> symbols) {
  auto machine = createTargetMachine(loc, {"x86-64", "", 0});
  if (failed(machine))
    return failure();
  OwningOpRef<ModuleOp> list = ModuleOp::create(loc);
  addProgramList(*list, symbols);
  llvm::LLVMContext context;
  auto code = translate(*list, context, **machine);
  if (failed(code))
    return failure();
  return inMemory([&](llvm::raw_pwrite_stream &os) { return emitCode(loc, **code, **machine, FileType::object, os); });
}

/// Compiles the model for every row and links the programs to one executable.
static ExitCode writeProgram(ModuleOp model, const CompileOptions &options, const CudaToolkit &toolkit,
                             TimingScope &timing) {
  KernelCache cache(options.cache);
  ObjectSet objects;
  std::vector<std::string> symbols;
  for (const PipelineOptions &row : options.rows) {
    TimingScope scope = timing.nest(row.target.title());
    OwningOpRef<ModuleOp> module = model.clone();
    Compilation compilation(*module, row, scope);
    auto symbol = compilation.addObjects(cache, toolkit, objects);
    if (failed(symbol))
      return kUserError;
    symbols.push_back(*symbol);
  }
  auto list = listPrograms(model.getLoc(), symbols);
  if (failed(list))
    return kFailed;
  objects["nc_programs"] = std::move(*list);
  TimingScope scope = timing.nest("link");
  linkProgram(objects, options);
  return kOk;
}

/// The work of a training token where objectives filter nothing.
static FailureOr<int64_t> unfilteredWork(ModuleOp model, const PipelineOptions &options, TimingScope &timing) {
  OwningOpRef<ModuleOp> copy = model.clone();
  copy->walk([](ObjectiveOp objective) {
    objective.getScoreMutable().clear();
    objective.removeKeepAttr();
    objective.removeMultipleAttr();
  });
  if (failed(Compilation(*copy, options, timing).runTo("differentiate")))
    return failure();
  return int64_t(getProgram(*copy).getFlopsPerToken());
}

static ExitCode writePlan(ModuleOp module, const CompileOptions &options, const Rates &rates, TimingScope &timing) {
  const PipelineOptions &row = options.rows[0];
  OwningOpRef<ModuleOp> model = module.clone();
  if (failed(Compilation(module, row, timing).runTo(Known::plan)))
    return kUserError;
  bool isFiltered = getProgram(module).getKeptRows();
  FailureOr<int64_t> unfiltered = isFiltered ? unfilteredWork(*model, row, timing) : 0;
  if (failed(unfiltered))
    return kUserError;
  llvm::json::Object plan =
      describePlan(module, row.target, {options.threads, *unfiltered, rates, options.choice, options.network});
  if (llvm::json::Array layouts = compareLayouts(*model, module, row, options, rates, timing); !layouts.empty())
    (*plan.getObject("communication"))["layouts"] = std::move(layouts);
  return writeOutput(options, [&](llvm::raw_pwrite_stream &os) {
    if (options.plan == "json")
      os << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(plan)));
    else
      options.plan == "html" ? printPlanPage(plan, os) : printPlanTable(plan, os);
    return success();
  });
}

/// For programs that ask for plans, where there is none.
static void printWaysOut(ArrayRef<WayOut> ways) {
  llvm::json::Array list;
  for (const WayOut &way : ways)
    list.push_back(llvm::json::Object{
        {"options", way.options}, {"total_bytes", way.evaluation.bytes}, {"seconds", way.evaluation.seconds}});
  llvm::outs() << llvm::formatv("{0:2}\n", llvm::json::Value(llvm::json::Object{{"ways_out", std::move(list)}}));
}

/// All kinds of output but executables, for one row.
static ExitCode writeText(ModuleOp module, const CompileOptions &options, const CudaToolkit &toolkit,
                          TimingScope &timing) {
  Compilation compilation(module, options.rows[0], timing);
  if (failed(compilation.runTo(options.stopAfter)))
    return kUserError;
  return writeOutput(options, [&](llvm::raw_pwrite_stream &os) -> LogicalResult {
    if (options.emit == "mlir")
      module->print(os);
    else if (options.emit == "ptx" || options.emit == "cubin")
      return compilation.emitForGpu(options.emit == "ptx", toolkit, os);
    else
      return compilation.emit(options.emit == "llvm"  ? FileType::llvm
                              : options.emit == "asm" ? FileType::assembly
                                                      : FileType::object,
                              os);
    return success();
  });
}

static ExitCode checkRecords(ModuleOp module, const CompileOptions &options, TimingScope &timing) {
  OwningOpRef<ModuleOp> copy = module.clone();
  Compilation compilation(module, options.rows[0], timing);
  if (failed(compilation.runTo(Known::dispatches)))
    return kUserError;
  auto isSame = compilation.check(*copy, options.checkDispatches, options.checkGradients);
  return failed(isSame) ? kUserError : *isSame ? kOk : kFailed;
}

static bool needsToolkit(const CompileOptions &options) {
  return llvm::any_of(options.rows, [](const PipelineOptions &row) { return row.target.onGpu(); });
}

/// Whether what the rows ask of the CUDA toolkit is there; says what a program lacks without it.
static LogicalResult checkToolkit(ModuleOp model, const CompileOptions &options, const CudaToolkit &toolkit) {
  Location loc = (*model.getOps<ModelOp>().begin()).getLoc();
  for (const PipelineOptions &row : options.rows)
    if (row.target.onGpu() && failed(toolkit.check(loc, *row.target.gpu)))
      return failure();
  if (!needsToolkit(options) || toolkit.hasPtxas())
    return success();
  if (options.emit == "cubin")
    return emitError(loc)
           << "no ptxas to write machine code with; install the CUDA toolkit, or NANOCHAT_PTXAS names a ptxas";
  if (options.emit == "exe")
    llvm::errs() << "note: no ptxas: the program carries PTX only, which the driver compiles when it starts; install "
                    "the CUDA toolkit, or NANOCHAT_PTXAS names a ptxas\n";
  return success();
}

/// Fails before the work of making it where the output cannot be written, or is read.
static void checkOutput(StringRef input, const CompileOptions &options) {
  if (options.output == "-")
    return;
  nc::checkWritable(options.output, "-o");
  nc::checkOutputs({{"the compiler", input.str()}, {"the linker", options.runtime}}, {{"-o", options.output}});
}

/// Compiles a model to what `options` ask for.
static ExitCode write(ModuleOp model, CompileOptions options, const CudaToolkit &toolkit, TimingScope &timing) {
  Rates rates;
  if (!options.plan.empty() || options.budget) {
    FailureOr<Rates> found =
        findRates(model.getLoc(), options.rows[0].target, options.threads, options.rates, options.cache);
    if (failed(found))
      return kUserError;
    rates = *found;
  }
  if (std::vector<WayOut> waysOut; options.budget && failed(fitBudget(model, options, rates, timing, waysOut))) {
    if (options.plan == "json")
      printWaysOut(waysOut);
    return kUserError;
  }
  if (options.budget && options.plan.empty())
    llvm::errs() << "note: within the budget, with " << (options.choice.empty() ? "all as it is" : options.choice)
                 << "\n";
  if (!options.plan.empty())
    return writePlan(model, options, rates, timing);
  return options.emit == "exe" ? writeProgram(model, options, toolkit, timing)
                               : writeText(model, options, toolkit, timing);
}

ExitCode mlir::nanochat::compile(StringRef input, MLIRContext &context, const CompileOptions &options) {
  checkOutput(input, options);
  std::string error;
  auto buffer = openInputFile(input, &error);
  if (!buffer) {
    llvm::errs() << "error: " << error << "\nnote: give the path of a model, such as models/looplm.mlir\n";
    return kUserError;
  }
  if (!checkNesting(*buffer))
    return kUserError;
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), SMLoc());
  SourceMgrDiagnosticHandler handler(*sources, &context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return kUserError;
  auto models = llvm::to_vector(module->getOps<ModelOp>());
  if (models.size() != 1) {
    Location loc = models.empty() ? FileLineColLoc::get(&context, input, 1, 1) : Location(models[1].getLoc());
    InFlightDiagnostic diag = emitError(loc) << "expected one nanochat.model to compile, found " << models.size();
    diag.attachNote() << "a file holds one model: see models/";
    return kUserError;
  }
  CudaToolkit toolkit = needsToolkit(options) ? CudaToolkit::find() : CudaToolkit();
  if (failed(checkToolkit(*module, options, toolkit)))
    return kUserError;
  DefaultTimingManager timing;
  applyDefaultTimingManagerCLOptions(timing);
  TimingScope scope = timing.getRootScope();
  if (!options.checkDispatches.empty() || !options.checkGradients.empty())
    return checkRecords(*module, options, scope);
  return write(*module, options, toolkit, scope);
}
