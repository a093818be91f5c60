#include "lib/Driver/Compile.h"
#include "lib/Driver/Compilation.h"
#include "lib/Driver/Link.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Whether a file may be written there; tried before the work of making it.
static bool isWritable(StringRef output) {
  StringRef folder = llvm::sys::path::parent_path(output);
  // Of what is there already, itself must be writable: /dev/null is, where /dev may not be.
  StringRef place = llvm::sys::fs::exists(output) ? output : folder.empty() ? "." : folder;
  std::error_code error = llvm::sys::fs::access(place, llvm::sys::fs::AccessMode::Write);
  if (llvm::sys::fs::is_directory(output))
    error = std::make_error_code(std::errc::is_a_directory);
  if (output == "-" || !error)
    return true;
  llvm::errs() << "error: cannot write '" << output << "': " << error.message()
               << "\nnote: -o names a file in a folder that exists and may be written\n";
  return false;
}

/// Writes the output file, in whole or not at all.
static ExitCode writeFile(const CompileOptions &options, llvm::function_ref<LogicalResult(llvm::raw_pwrite_stream &)> writer) {
  std::string error;
  auto file = openOutputFile(options.output, &error);
  if (!file) {
    llvm::errs() << "error: " << error << "\n";
    return kUserError;
  }
  auto content = inMemory(writer);
  if (failed(content))
    return kFailed;
  file->os() << (*content)->getBuffer();
  file->keep();
  return kOk;
}

/// The object that lists the programs of an executable.
static FailureOr<std::unique_ptr<llvm::MemoryBuffer>> listPrograms(Location loc, ArrayRef<std::string> symbols) {
  auto machine = createTargetMachine(loc, {"x86-64", "", 0});
  if (failed(machine))
    return failure();
  llvm::LLVMContext context;
  llvm::Module list("nanochat", context);
  list.setDataLayout((*machine)->createDataLayout());
  list.setTargetTriple((*machine)->getTargetTriple());
  list.setPICLevel(llvm::PICLevel::BigPIC);
  addProgramList(list, symbols);
  return inMemory([&](llvm::raw_pwrite_stream &os) { return emitCode(loc, list, **machine, FileType::object, os); });
}

/// Compiles the model for every row and links the programs to one executable.
static ExitCode writeProgram(ModuleOp model, const CompileOptions &options, const CudaToolkit &toolkit, TimingScope &timing) {
  KernelCache cache(options.cache);
  ObjectSet objects;
  std::vector<std::string> symbols;
  for (const PipelineOptions &row : options.rows) {
    TimingScope scope = timing.nest(row.target.name);
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
  return linkProgram(objects, options);
}

/// All kinds of output but executables, for one row.
static ExitCode writeText(ModuleOp module, const CompileOptions &options, const CudaToolkit &toolkit, TimingScope &timing) {
  Compilation compilation(module, options.rows[0], timing);
  if (failed(compilation.runStages(options.stopAfter)))
    return kUserError;
  return writeFile(options, [&](llvm::raw_pwrite_stream &os) -> LogicalResult {
    if (!options.plan.empty())
      compilation.print(options.plan == "json", os);
    else if (options.emit == "mlir")
      module->print(os);
    else if (options.emit == "ptx" || options.emit == "cubin")
      return compilation.emitForGpu(options.emit == "ptx", toolkit, os);
    else
      return compilation.emit(options.emit == "llvm" ? FileType::llvm : options.emit == "asm" ? FileType::assembly : FileType::object, os);
    return success();
  });
}

static ExitCode checkRecords(ModuleOp module, const CompileOptions &options, TimingScope &timing) {
  OwningOpRef<ModuleOp> copy = module.clone();
  Compilation compilation(module, options.rows[0], timing);
  if (failed(compilation.runStages("fuse")))
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
    return emitError(loc) << "no ptxas to write machine code with; install the CUDA toolkit, or NANOCHAT_PTXAS names a ptxas";
  if (options.emit == "exe")
    llvm::errs() << "note: no ptxas: the program carries PTX only, which the driver compiles when it starts; install the CUDA toolkit, or NANOCHAT_PTXAS names a ptxas\n";
  return success();
}

ExitCode mlir::nanochat::compile(StringRef input, MLIRContext &context, const CompileOptions &options) {
  if (!isWritable(options.output))
    return kUserError;
  std::string error;
  auto buffer = openInputFile(input, &error);
  if (!buffer) {
    llvm::errs() << "error: " << error << "\nnote: give the path of a model, such as models/looplm-tiny.mlir\n";
    return kUserError;
  }
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
  return options.emit == "exe" ? writeProgram(*module, options, toolkit, scope) : writeText(*module, options, toolkit, scope);
}
