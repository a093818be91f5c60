#include "lib/Driver/Compile.h"
#include "lib/Driver/Plan.h"
#include "dialect/StepIR.h"
#include "dialect/interfaces/Cost.h"
#include "lib/Execution/Codegen.h"
#include "lib/Program/Descriptor.h"
#include "lib/Replay/Replay.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// One compilation; stages run one after the other so that facts can be read in between.
class Compilation {
public:
  Compilation(ModuleOp module, const CompileOptions &options) : module(module), options(options) {}

  /// Runs all stages, or those up to the one of that name.
  LogicalResult runStages(StringRef last) {
    for (const Stage &stage : getStages()) {
      if (stage.name == "lower") {
        kernels = collectKernels(module);
        scratch = scratchBytes(module);
        planned = module.clone();
      }
      PassManager pm(module->getContext());
      if (failed(applyPassManagerCLOptions(pm)))
        return failure();
      stage.build(pm, options.pipeline);
      if (failed(pm.run(module)))
        return failure();
      if (stage.name == "model")
        readModel();
      if (stage.name == "optimize")
        readStep();
      if (stage.name == last)
        break;
    }
    return success();
  }

  ExitCode write() {
    if (!options.plan.empty())
      return writeFile([&](llvm::raw_pwrite_stream &os) {
        printPlan(*planned, facts, parameters, scratch, options.plan == "json", os);
        return success();
      });
    if (options.emit == "mlir")
      return writeFile([&](llvm::raw_pwrite_stream &os) {
        module->print(os);
        return success();
      });
    const Target &row = options.pipeline.target;
    CodegenTarget target{row.cpu, row.features, row.reference || options.pipeline.plain ? 1 : 3};
    auto machine = createTargetMachine(module.getLoc(), target);
    if (failed(machine))
      return kFailed;
    llvm::LLVMContext context;
    auto code = translateAndOptimize(module, context, **machine, target);
    if (failed(code))
      return kFailed;
    addDescriptor(**code, planned.get(), facts, kernels, scratch);
    auto emit = [&](FileType type) {
      return [&, type](llvm::raw_pwrite_stream &os) { return emitCode(module.getLoc(), **code, **machine, type, os); };
    };
    if (options.emit == "exe")
      return writeProgram(emit(FileType::object));
    return writeFile(emit(options.emit == "llvm" ? FileType::llvm : options.emit == "asm" ? FileType::assembly : FileType::object));
  }

  /// Compares recorded steps of this program with the reference, for which `copy` is the model again.
  ExitCode check(ModuleOp copy) {
    ProgramIdentity program{facts.model, facts.target, facts.irHash};
    bool isSame = true;
    auto checkFolder = [&](StringRef folder, llvm::function_ref<FailureOr<bool>(const Record &)> check) -> LogicalResult {
      if (folder.empty())
        return success();
      auto record = Record::open(folder, module, program);
      auto result = succeeded(record) ? check(*record) : FailureOr<bool>();
      isSame &= succeeded(result) && *result;
      return result;
    };
    auto checkReference = [&](const Record &record) -> FailureOr<bool> {
      CompileOptions plain = options;
      plain.pipeline.target = *findTarget("reference");
      plain.pipeline.plain = false;
      if (failed(Compilation(copy, plain).runStages("fuse")))
        return failure();
      return checkGradients(record, copy);
    };
    if (failed(checkFolder(options.checkDispatches, checkDispatches)) ||
        failed(checkFolder(options.checkGradients, checkReference)))
      return kUserError;
    return isSame ? kOk : kFailed;
  }

private:
  using Writer = llvm::function_ref<LogicalResult(llvm::raw_pwrite_stream &)>;

  ExitCode writeFile(Writer writer) {
    std::string error;
    auto file = openOutputFile(options.output, &error);
    if (!file) {
      llvm::errs() << "error: " << error << "\n";
      return kUserError;
    }
    llvm::SmallVector<char, 0> buffer;
    llvm::raw_svector_ostream os(buffer);
    if (failed(writer(os)))
      return kFailed;
    file->os() << os.str();
    file->keep();
    return kOk;
  }

  ExitCode writeProgram(Writer writer) {
    llvm::SmallString<128> object;
    int fd;
    if (std::error_code error = llvm::sys::fs::createTemporaryFile("nanochat", "o", fd, object)) {
      emitError(module.getLoc()) << "cannot write a temporary object file: " << error.message();
      return kFailed;
    }
    llvm::ToolOutputFile file(object, fd); // removed at the end: never kept
    if (failed(writer(file.os())))
      return kFailed;
    file.os().flush();
    return linkProgram(object, options);
  }

  void readModel() {
    for (auto model : module.getOps<ModelOp>()) {
      facts.model = model.getSymName().str();
      parameters = countParameters(model);
      model.walk([&](HeadOpInterface head) {
        facts.vocab = cast<RankedTensorType>(head->getOperand(1).getType()).getDimSize(0);
      });
    }
  }

  void readStep() {
    std::string text;
    llvm::raw_string_ostream os(text);
    module->print(os, OpPrintingFlags().useLocalScope());
    facts.irHash = llvm::utohexstr(llvm::xxh3_64bits(text), true, 16);
    facts.target = options.pipeline.target.name;
    auto entry = module.lookupSymbol<func::FuncOp>("train.gradients");
    auto sizes = module->getAttrOfType<DictionaryAttr>(kSizesAttr);
    auto size = [&](StringRef name) { return cast<IntegerAttr>(sizes.get(name)).getInt(); };
    int64_t flops = 0;
    if (entry)
      for (Operation &op : entry.getBody().front())
        flops += getFlops(&op);
    facts.flopsPerToken = flops / (size("batch") * size("seq") * size("accum"));
  }

  ModuleOp module;
  const CompileOptions &options;
  OwningOpRef<ModuleOp> planned;
  ProgramFacts facts;
  ParameterCount parameters;
  SmallVector<KernelFacts> kernels;
  int64_t scratch = 0;
};
} // namespace

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
  bool checks = !options.checkDispatches.empty() || !options.checkGradients.empty();
  OwningOpRef<ModuleOp> copy = checks ? module->clone() : ModuleOp();
  Compilation compilation(*module, options);
  if (failed(compilation.runStages(checks ? "fuse" : options.stopAfter)))
    return kUserError;
  return checks ? compilation.check(*copy) : compilation.write();
}
