// The compiler. Without --target it is mlir-opt with our dialect and passes; with it, a model file
// goes through the stages of lib/Pipelines to what --emit names. Commands that need no program are
// the runtime's.
#include "dialect/Formats.h"
#include "dialect/Nesting.h"
#include "lib/Driver/Compile.h"
#include "lib/Driver/KernelCache.h"
#include "lib/Planner/ProcessMemory.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include "runtime/program/Processors.h"
#include "runtime/report/Terminal.h"
#include "tools/Registration.h"
#include "tools/ToolMain.h"
#include "tools/nanochat-opt/Calibration.h"
#include "tools/nanochat-opt/Categories.h"
#include "tools/nanochat-opt/Configuration.h"
#include "tools/nanochat-opt/Distribution.h"
#include "tools/nanochat-opt/Help.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::nanochat;
namespace cl = llvm::cl;

namespace {
/// LLVM's code generator owns an option of the same name, for its machine passes; ours is what
/// users mean.
[[maybe_unused]] const bool ownsStopAfter = [] {
  auto &options = cl::getRegisteredOptions();
  if (auto it = options.find("stop-after"); it != options.end())
    it->second->removeArgument();
  return true;
}();

cl::opt<std::string> input(cl::Positional, cl::desc("<input file>"), cl::init("-"));
cl::OptionCategory *const headings[] = {&compiling, &looking, &checking}; // in the order of the manual
cl::opt<std::string> output("o", cl::cat(compiling), cl::desc("Output file"), cl::value_desc("FILE"), cl::init("-"));
cl::opt<std::string>
    target("target", cl::cat(compiling),
           cl::value_desc("native|avx512-bf16|avx512-vnni|x86-64-v4|avx-vnni|x86-64-v3|sm_89|sm_90|sm_100|"
                          "sm_120|reference"),
           cl::desc("Compile for this machine or another, or a product (rtx4090, h100, b200, "
                    "rtx-pro-6000); several, as in sm_90,avx512-vnni,x86-64-v3, make an executable that "
                    "takes the first that the machine has"));
cl::opt<bool> emulate("emulate", cl::cat(checking),
                      cl::desc("Run the kernels of an NVIDIA target on the CPU, instruction by "
                               "instruction: slow, to check them without a GPU"));
cl::opt<std::string> ptxVersion("ptx", cl::cat(compiling), cl::value_desc("version"),
                                cl::desc("ISA version of the PTX for an NVIDIA target, such as 8.6, where a driver "
                                         "or ptxas is older than what is chosen by default"));
cl::opt<std::string> gemmTile("gemm-tile", cl::cat(compiling), cl::value_desc("ROWSxCOLUMNSxSTAGES"),
                              cl::desc("The part of a matrix product that a block of GPU threads computes, and how "
                                       "many stages of 128 bytes per row it fetches ahead; by default what suits "
                                       "each product"));
cl::opt<std::string> asRow("as", cl::cat(checking), cl::value_desc("row"),
                           cl::desc("With --target=reference: the IR of this row, its fusion, "
                                    "quantisers and roundings, with every "
                                    "kernel as plain loops"));
cl::opt<std::string>
    precision("precision", cl::cat(checking), cl::init("f32"), cl::value_desc("f32|f64"),
              cl::desc("Floats of the program; f64, to tell rounding from error, with --target=reference"));
cl::opt<std::string>
    backward("backward", cl::cat(compiling), cl::init("auto"), cl::value_desc("auto|f32|int16|int8|mxfp4|nvfp4"),
             cl::desc("What the gradients of ternary linears are computed in that leave it to the target; "
                      "auto: the target's choice"));
cl::opt<std::string> head("head", cl::cat(compiling), cl::init("f32"), cl::value_desc("f32|int8"),
                          cl::desc("What the gradients of output heads are computed in; int8 with CPU targets only"));
cl::opt<std::string>
    rounding("rounding", cl::cat(compiling), cl::init("auto"), cl::value_desc("auto|stochastic|nearest"),
             cl::desc("How gradients in int8 and in four-bit floats are rounded; auto: those of linears "
                      "in int8 to nearest, all others by chance"));
cl::opt<std::string>
    dense("dense", cl::cat(compiling), cl::init("auto"), cl::value_desc("auto|f32|bf16"),
          cl::desc("What the factors of f32 matrix products in forward pass and gradients are rounded to; "
                   "sums stay f32. auto: bf16 on NVIDIA targets, f32 elsewhere"));
cl::opt<std::string> emitKind("emit", cl::cat(compiling), cl::init("mlir"),
                              cl::value_desc("mlir|llvm|asm|obj|exe|ptx|cubin"),
                              cl::desc("What to write; mlir by default. ptx and cubin are the kernels of "
                                       "an NVIDIA target"));
cl::opt<std::string> stopAfter("stop-after", cl::cat(looking), cl::value_desc("stage"),
                               cl::desc("Print the IR after this stage"));
cl::opt<std::string> plan("plan", cl::cat(looking), cl::ValueOptional, cl::value_desc("table|json|html"),
                          cl::desc("Print parameters, FLOPs per token, predicted time and the memory plan instead "
                                   "of code; --plan=json for machines, html for a page with a timeline"));
cl::opt<std::string>
    budget("budget", cl::cat(compiling), cl::value_desc("16GB|15GiB"),
           cl::desc("Choose micro-batch, recomputation, codes and chunk, as far as they are not given, for the "
                    "fastest program that takes no more memory; --plan says which options that is"));
cl::opt<std::string>
    ratesOption("rates", cl::cat(compiling), cl::value_desc("FILE"),
                cl::desc("How fast kernels run, for predictions; by default what --calibrate has measured here"));
cl::opt<bool>
    calibrateOption("calibrate", cl::cat(looking),
                    cl::desc("Measure how fast this machine runs kernels of --target (native by default), in ten "
                             "seconds, and keep that for predictions; -o writes it to a file as well"));
cl::opt<bool> why("why", cl::cat(looking),
                  cl::desc("Say of every op that has a kernel of its own and of every kernel of plain "
                           "loops why that is so; --plan sums up the latter"));
cl::opt<std::string>
    checkDispatches("check-dispatches", cl::cat(checking), cl::value_desc("DIR"),
                    cl::desc("Run every kernel call that the compiled program recorded (train --dump-dispatches) "
                             "through the reference and compare; compiles nothing"));
cl::opt<std::string>
    checkGradients("check-gradients", cl::cat(checking), cl::value_desc("DIR"),
                   cl::desc("Run the whole recorded step through the reference, with the recorded int8 codes, and "
                            "compare loss and gradients; compiles nothing"));
cl::opt<std::string>
    kernelCache("kernel-cache", cl::cat(compiling), cl::value_desc("DIR"),
                cl::desc("Where compiled kernels of executables are kept for later compilations, "
                         "$NANOCHAT_CACHE or ~/.cache/nanochat by default; --kernel-cache= keeps none"));
cl::opt<bool> listStages("list-stages", cl::cat(looking), cl::desc("Print the stages and what they promise"));
cl::list<std::string> sizes("set", cl::cat(compiling), cl::CommaSeparated, cl::value_desc("name=value"),
                            cl::desc("Sizes and settings that the model declares (d=512); of one that declares none: "
                                     "batch, seq, accum, and loops by name (n_loops, layers)"));
cl::opt<std::string> preset("preset", cl::cat(compiling), cl::value_desc("name"),
                            cl::desc("One of the model's presets of sizes and settings; by default "
                                     "its first"));
cl::opt<std::string> configuration("config", cl::cat(compiling), cl::value_desc("FILE.toml"),
                                   cl::desc("A configuration: sizes of [model], batch_size, seq_len, "
                                            "accumulation_steps and the optimizer of [training], and [memory]; the "
                                            "command line wins"));
cl::list<std::string>
    recompute("recompute", cl::cat(compiling), cl::CommaSeparated, cl::value_desc("loop=policy"),
              cl::desc("What the gradient of a loop makes again rather than keeps: nothing, cheap (all "
                       "but products and attention) or body; layers=body,n_loops=body for the least "
                       "memory. Results are the same bits"));
cl::opt<std::string>
    codes("codes", cl::cat(compiling), cl::value_desc("step|use"),
          cl::desc("When codes of ternary weights are made: once per step, for all layers, or of a layer "
                   "at each use, for less memory. Results are the same bits"));
cl::opt<std::string>
    update("update", cl::cat(compiling), cl::value_desc("after|backward"),
           cl::desc("When stacked parameters are updated: after the backward pass, or within it, as each gradient is "
                    "known, so that no stack of gradients exists. Results are the same bits"));
cl::opt<int64_t> chunk("chunk", cl::cat(compiling), cl::init(0), cl::value_desc("ROWS"),
                       cl::desc("Tokens whose logits the loss has at once; by default what suits their number"));
cl::list<std::string>
    masters("masters", cl::cat(compiling), cl::CommaSeparated, cl::value_desc("role=bf16|int8"),
            cl::desc("Store the parameters of a role in bf16, or as bytes with a scale for each row, rounded by chance "
                     "at each update, which is computed in f32: a half or a quarter of their memory. Files of any form "
                     "load into all"));
cl::list<std::string>
    streams("stream", cl::cat(compiling), cl::CommaSeparated, cl::value_desc("loop=bf16"),
            cl::desc("Round what a loop hands on, such as the activations from layer to layer (layers=bf16), in "
                     "the forward pass too: half the memory of what is kept of it"));
cl::list<std::string>
    allow("allow", cl::cat(compiling), cl::CommaSeparated, cl::value_desc("rounding"),
          cl::desc("Roundings that --budget may choose for memory: masters=bf16, masters=int8, stream=bf16"));
cl::list<std::string> optimizers("optimizer", cl::cat(compiling), cl::value_desc("role=rule[:option=value]"),
                                 cl::desc("Another update rule for a role than the model says, such as matrix=muon8, "
                                          "matrix=galore:rank=64:clip=projected or embedding+head=adamw8:lr=1e-3"));

constexpr const char *kAbout = "A first argument that is the name of a command runs it; "
                               "a model file of such a name is given as ./name.";
} // namespace

/// libnanochat_runtime.a beside the compiler: in the build tree or installed.
static std::string findRuntime(const char *argv0) {
  llvm::SmallString<128> here(llvm::sys::fs::getMainExecutable(argv0, reinterpret_cast<void *>(&findRuntime)));
  llvm::sys::path::remove_filename(here);
  for (const char *relative : {"../runtime/libnanochat_runtime.a", "../lib/nanochat/libnanochat_runtime.a"}) {
    llvm::SmallString<128> path(here);
    llvm::sys::path::append(path, relative);
    if (llvm::sys::fs::exists(path))
      return std::string(path);
  }
  return "libnanochat_runtime.a";
}

static int usage(const llvm::Twine &error, const llvm::Twine &note) {
  llvm::errs() << "error: " << error << "\nnote: " << note << "\n";
  return kUserError;
}

/// The rows that --target lists; empty after an error was printed.
static std::vector<Target> chooseRows() {
  std::vector<Target> rows;
  for (StringRef name : llvm::split(target, ',')) {
    auto row = findTarget(name);
    bool isTwice = row && llvm::any_of(rows, [&](const Target &r) { return r.name == row->name; });
    if (row && !isTwice) {
      rows.push_back(*row);
      continue;
    }
    usage(isTwice ? "--target names " + row->name + " twice" : "unknown target '" + name.str() + "'",
          "targets are " + listTargets());
    return {};
  }
  return rows;
}

/// The row to compile for, and whether with plain kernels; null after an error was printed.
static std::optional<PipelineOptions> chooseTarget(const Target &row) {
  auto as = findTarget(asRow);
  if (!asRow.getNumOccurrences())
    return PipelineOptions{row};
  if (!as || row.fuses) { // only the reference does not
    usage(as ? llvm::Twine("--as goes with --target=reference only") : "--as=" + asRow + " is not a target",
          "it takes one of " + listTargets());
    return std::nullopt;
  }
  as->cpu = row.cpu;
  as->emulated = true; // its code is for the CPU
  as->plain = true;
  return PipelineOptions{*as};
}

/// Is the precision of the program one that the row has? Says so where not.
static bool checkPrecision() {
  if (precision != "f64" && precision != "f32")
    usage("--precision=" + precision + " is not known", "precisions are f32 and f64");
  else if (precision == "f64" && target != "reference")
    usage("--precision=f64 goes with --target=reference only", "emitted kernels compute in f32");
  else
    return true;
  return false;
}

/// What the command line says other than the row. Attention is rounded where the row does so, and products are.
static void chooseNumerics(Numerics &numerics) {
  numerics.backward = symbolizeBackwardFormat(backward).value_or(numerics.backward);
  numerics.head = symbolizeBackwardFormat(head).value_or(numerics.head);
  numerics.rounding = symbolizeRounding(rounding);
  numerics.dense = symbolizeFormat(dense).value_or(numerics.dense);
  numerics.floats = symbolizeFormat(precision).value_or(numerics.floats);
  if (numerics.dense == Format::f32)
    numerics.attention = Format::f32;
}

/// What the configuration says, and what the command line says instead.
static Configuration chooseConfiguration(const Target &row) {
  Configuration chosen = readConfiguration(configuration, row);
  for (StringRef size : sizes) {
    auto [name, value] = size.split('=');
    chosen.sizes.push_back({name.str(), value.str(), "--set " + size.str()});
  }
  auto list = [](std::vector<std::string> &list, const cl::list<std::string> &option) {
    if (!option.empty())
      list.assign(option.begin(), option.end());
  };
  list(chosen.optimizers, optimizers), list(chosen.memory.recompute, recompute);
  list(chosen.memory.masters, masters), list(chosen.memory.streams, streams), list(chosen.allow, allow);
  if (chunk.getNumOccurrences())
    chosen.memory.chunk = chunk;
  if (codes.getNumOccurrences())
    chosen.codes = codes;
  if (update.getNumOccurrences())
    chosen.update = update;
  if (budget.getNumOccurrences())
    chosen.budget = budget;
  return chosen;
}

/// What the command line says about a row; false after an error was printed.
static bool applyChoices(PipelineOptions &row) {
  Target &target = row.target;
  chooseNumerics(target.numerics);
  BackwardFormat backwardFormat = target.numerics.backward;
  if (target.gpu && (backwardFormat == BackwardFormat::int16 || backwardFormat == BackwardFormat::int8))
    return usage("--backward=" + backward + " is not available on " + target.name,
                 "its gradients are products of floats, which --dense rounds"),
           false;
  if (target.gpu && target.numerics.head != BackwardFormat::f32)
    return usage("--head=" + head + " is not available on " + target.name,
                 "the gradients of its heads are products of floats"),
           false;
  if (!target.gpu && (emulate || ptxVersion.getNumOccurrences()))
    return usage(emulate ? "--emulate goes with NVIDIA targets only" : "--ptx goes with NVIDIA targets only",
                 "--target=sm_90, for instance"),
           false;
  target.emulated |= emulate;
  if (target.gpu)
    target.gpu->gemmTile = gemmTile;
  if (!ptxVersion.getNumOccurrences())
    return true;
  auto [major, minor] = StringRef(ptxVersion).split('.');
  int64_t high, low;
  if (major.getAsInteger(10, high) || minor.getAsInteger(10, low) || high < 0 || high > 99 || low < 0 || low > 9)
    return usage("--ptx=" + ptxVersion + " is no version from 0.0 to 99.9", "write it as in --ptx=8.6"), false;
  target.gpu->ptx = 10 * high + low;
  return true;
}

/// A program for a GPU's model that any processor runs.
static PipelineOptions forProcessor(PipelineOptions row) {
  row.target = *findTarget("x86-64-v3");
  chooseNumerics(row.target.numerics);
  row.onlyOnRequest = true;
  return row;
}

static int compileModel(DialectRegistry &registry, const char *argv0) {
  std::vector<Target> rows = chooseRows();
  auto pipeline = rows.empty() ? std::nullopt : chooseTarget(rows[0]);
  if (!pipeline || !checkPrecision())
    return kUserError;
  if (backward != "auto" && !symbolizeBackwardFormat(backward))
    return usage("--backward=" + backward + " is not known", "it is auto, f32, int16, int8, mxfp4 or nvfp4");
  if (auto format = symbolizeFormat(dense); dense != "auto" && !(format && llvm::is_contained(denseFormats(), *format)))
    return usage("--dense=" + dense + " is not known", "it is auto, " + listFormats(denseFormats()));
  if (head != "f32" && head != "int8")
    return usage("--head=" + head + " is not known", "it is f32 or int8");
  if (rounding != "auto" && !symbolizeRounding(rounding))
    return usage("--rounding=" + rounding + " is not known", "it is auto, stochastic or nearest");
  pipeline->preset = preset;
  Configuration chosen = chooseConfiguration(rows[0]);
  if (!llvm::is_contained({"", "step", "use"}, chosen.codes))
    return usage("--codes=" + chosen.codes + " is not known", "it is step or use");
  if (!llvm::is_contained({"", "after", "backward"}, chosen.update))
    return usage("--update=" + chosen.update + " is not known", "it is after or backward");
  if (chunk.getNumOccurrences() && (chunk < 1 || chunk > std::numeric_limits<int32_t>::max()))
    return usage("--chunk=" + llvm::Twine(chunk) + " is no number of tokens", "write it as in --chunk=256");
  for (StringRef rounding : chosen.allow)
    if (!llvm::is_contained({"stream=bf16", "masters=bf16", "masters=int8"}, rounding))
      return usage("--allow=" + rounding + " is not known", "it is masters=bf16, masters=int8 or stream=bf16");
  if (!chosen.memory.masters.empty() && precision == "f64")
    return usage("--masters stores parameters in fewer bits and excludes --precision=f64", "leave one of the two out");
  pipeline->distribution = chooseDistribution();
  pipeline->sizes = chosen.sizes;
  pipeline->optimizers = chosen.optimizers;
  pipeline->memory = chosen.memory;
  pipeline->memory.codesAtUse = chosen.codes == "use";
  pipeline->memory.updateInBackward = chosen.update == "backward";
  if (!llvm::is_contained({"mlir", "llvm", "asm", "obj", "exe", "ptx", "cubin"}, emitKind))
    return usage("--emit=" + emitKind + " is not known", "kinds are mlir, llvm, asm, obj, exe, ptx and cubin");
  bool known = stopAfter.empty() || llvm::any_of(getStages(), [](const Stage &s) { return s.name == stopAfter; });
  if (!known)
    return usage("--stop-after=" + stopAfter + " names no stage", "see --list-stages");
  if (!stopAfter.empty() && emitKind != "mlir")
    return usage("--stop-after prints IR and excludes --emit=" + emitKind, "leave one of the two out");
  std::string form = plan.getNumOccurrences() && plan.empty() ? "table" : plan.getValue();
  if (!llvm::is_contained({"", "table", "json", "html"}, form))
    return usage("--plan=" + form + " is not known", "write --plan for a table, --plan=json or --plan=html");
  std::optional<int64_t> bytes = chosen.budget.empty() ? std::optional<int64_t>(0) : parseBytes(chosen.budget);
  if (!bytes)
    return usage("--budget=" + chosen.budget + " is no size of memory", "write it as in --budget=16GB, or 15GiB");
  bool isCheck = !checkDispatches.empty() || !checkGradients.empty();
  if (isCheck && (!form.empty() || rows.size() > 1))
    return usage("a record is checked for one target, and excludes --plan", "name the target that it was made with");
  if (!form.empty() && (!stopAfter.empty() || emitKind != "mlir"))
    return usage("--plan prints the plan and excludes --stop-after and --emit", "leave them out");
  if (emitKind == "exe" && output == "-")
    return usage("--emit=exe needs a file to write", "add -o PROGRAM");
  if (rows.size() > 1 && emitKind != "exe")
    return usage("several targets need --emit=exe", "name one target to see its code");
  CompileOptions options{{*pipeline}, emitKind, stopAfter, form, output, findRuntime(argv0)};
  for (const Target &row : llvm::ArrayRef(rows).drop_front()) {
    options.rows.push_back(*pipeline);
    options.rows.back().target = row;
  }
  for (PipelineOptions &row : options.rows)
    if (!applyChoices(row))
      return kUserError;
  auto isForGpu = [](const PipelineOptions &row) { return row.target.gpu.has_value(); };
  if (gemmTile.find_first_not_of("0123456789x") != std::string::npos)
    return usage("--gemm-tile=" + gemmTile + " is no tile of matrix products",
                 "it is ROWSxCOLUMNSxSTAGES, such as 128x128x3");
  if (!gemmTile.empty() && llvm::none_of(options.rows, isForGpu))
    return usage("--gemm-tile goes with NVIDIA targets only", "--target=sm_90, for instance");
  bool isForGpus = llvm::all_of(options.rows, [](const PipelineOptions &row) { return row.target.onGpu(); });
  if (emitKind == "exe" && isForGpus) // it runs on a processor as well, where that is asked for
    options.rows.push_back(forProcessor(*pipeline));
  bool isOnGpu = options.rows[0].target.onGpu();
  if (isOnGpu ? llvm::is_contained({"llvm", "asm", "obj"}, emitKind) : llvm::is_contained({"ptx", "cubin"}, emitKind))
    return usage("--emit=" + emitKind + " is not what " + rows[0].name + " has",
                 isOnGpu   ? "kinds for it are mlir, ptx, cubin and exe"
                 : emulate ? "with --emulate its kernels are for this processor: leave that out"
                           : "ptx and cubin are of NVIDIA targets, such as sm_90");
  options.threads = nc::availableProcessors();
  options.network = chooseNetwork(!form.empty());
  options.rates = ratesOption;
  options.budget = *bytes;
  options.isCodesGiven = !chosen.codes.empty();
  options.isUpdateGiven = !chosen.update.empty();
  options.isShardGiven = isShardGiven();
  options.allowed = chosen.allow;
  options.cache = kernelCache.getNumOccurrences() ? kernelCache : defaultCacheFolder();
  options.checkDispatches = checkDispatches;
  options.checkGradients = checkGradients;
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  context.printOpOnDiagnostic(false); // the source is shown already
  remark::RemarkCategories asked;
  asked.missed = ".*";
  if (why &&
      failed(remark::enableOptimizationRemarks(context, nullptr, std::make_unique<remark::RemarkEmittingPolicyAll>(),
                                               asked, /*printAsEmitRemarks=*/true)))
    return kFailed;
  return compile(input, context, options);
}

/// What `doctor` says of the best row for this machine.
static std::string describeNative() {
  auto native = findTarget("native");
  return native ? "--target=native is " + native->name + ", whose kernels take " +
                      llvm::join(native->kernelInstructions(), ", ")
                : "";
}

/// The options of the compiler itself, for its manual and for completion.
static nc::Tool describeSelf() {
  nc::Tool tool{"nanochat-opt",
                "Compiler of models and optimizer of their IR. " + std::string(kAbout),
                "nanochat-opt models/looplm.mlir --target=native --emit=exe -o looplm\n"
                "nanochat-opt models/looplm.mlir --set d=512,layers=12 --target=sm_90 --plan\n"
                "nanochat-opt doctor",
                describeNative(),
                {{"input", "FILE", "The model or other IR; '-' is standard input", compiling.getName().str()}}};
  for (auto &[name, option] : cl::getRegisteredOptions()) {
    if (option->getOptionHiddenFlag() != cl::NotHidden || name.empty())
      continue;
    const auto *own =
        llvm::find_if(headings, [&](auto *heading) { return llvm::is_contained(option->Categories, heading); });
    bool isOurs = own != std::end(headings);
    bool needsValue = option->getValueExpectedFlag() == cl::ValueRequired;
    tool.options.push_back({(name.size() == 1 ? "-" : "--") + name.str(),
                            needsValue || isOurs ? option->ValueStr.str() : "", option->HelpStr.str(),
                            isOurs ? (*own)->getName().str() : ""});
  }
  auto order = [](const nc::ToolOption &option) {
    const auto *own = llvm::find_if(headings, [&](auto *heading) { return heading->getName() == option.group; });
    return std::pair(own - headings, StringRef(option.name));
  };
  llvm::sort(tool.options, [&](auto &a, auto &b) { return order(a) < order(b); });
  return tool;
}

/// mlir-opt: what the passes on the command line make of the input.
static int transform(DialectRegistry &registry, int argc, char **argv) {
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects() || config.shouldListPasses())
    return asMainReturnCode(MlirOptMain(argc, argv, input, output, registry));
  bool isPrinted = output == "-";
  if (!isPrinted) {
    nc::checkWritable(output, "-o");
    nc::checkOutputs({{"the compiler", input}}, {{"-o", output}});
  }
  std::string error, text;
  auto buffer = openInputFile(input, &error);
  if (!buffer)
    nc::failInput(error, "give the path of a file of MLIR");
  llvm::raw_string_ostream os(text);
  llvm::raw_ostream &to = isPrinted ? llvm::outs() : static_cast<llvm::raw_ostream &>(os);
  if (!checkNesting(*buffer) || failed(MlirOptMain(to, std::move(buffer), registry, config)))
    return kUserError;
  if (!isPrinted)
    nc::writeFile(output, text);
  return kOk;
}

static int run(int argc, char **argv) {
  DialectRegistry registry;
  registerDialectsAndPasses(registry);
  std::string overview = registerCLIOptions("nanochat compiler", registry) + "\n\n" + kAbout +
                         " Commands, each with its own --help:\n" + nc::listToolCommands();
  if (argc > 1 && nc::isToolCommand(argv[1]))
    return nc::runToolCommandLine(describeSelf(), argc, argv);
  for (const char *argument : llvm::ArrayRef(argv, argc)) // pipelines of passes nest as well
    if (!checkNesting({argument, "the command line"}))
      return kUserError;
  auto asksForHelp = [](StringRef argument) { return llvm::is_contained({"--help", "-help", "-h"}, argument); };
  if (llvm::any_of(llvm::ArrayRef(argv, argc).drop_front(), asksForHelp)) {
    llvm::outs() << helpText(describeSelf(), std::min<size_t>(nc::terminalColumns(), 110));
    return kOk;
  }
  // Given a stream, the parser returns where it would exit, with another code than ours.
  if (!cl::ParseCommandLineOptions(argc, argv, overview, &llvm::errs()))
    return kUserError;
  if (const char *row = getenv("NANOCHAT_NATIVE"); row && *row && !findTarget("native"))
    return usage("NANOCHAT_NATIVE is '" + llvm::Twine(row) + "', which is no row that this machine runs",
                 "rows are avx512-bf16, avx512-vnni, x86-64-v4, avx-vnni and x86-64-v3");
  if (listStages) {
    for (const Stage &stage : getStages())
      llvm::outs() << llvm::left_justify(stage.name, 15) << stage.summary << "\n";
    return kOk;
  }
  if (calibrateOption)
    return calibrateMachine(registry, {target.getNumOccurrences() ? target.getValue() : "native", findRuntime(argv[0]),
                                       kernelCache.getNumOccurrences() ? kernelCache : defaultCacheFolder(), output});
  return target.empty() ? transform(registry, argc, argv) : compileModel(registry, argv[0]);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  return toolMain([&] { return run(argc, argv); });
}
