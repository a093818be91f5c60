#include "lib/Targets/Target.h"
#include "dialect/Formats.h"
#include "runtime/program/CpuFeatures.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

using namespace mlir;
using namespace mlir::nanochat;

/// What every CPU row has at least, and the hosts of GPUs.
static constexpr CpuFacts kLeastFacts{256, 16, false, false, 32 << 10, 512 << 10};
static constexpr const char *kLeastCpu = "x86-64-v3";

static Target forCpu(std::string name, std::string cpu, const CpuFacts &facts) {
  Target row{std::move(name), std::move(cpu), facts};
  row.numerics.backward = BackwardFormat::int16;
  return row;
}

static Target forGpu(std::string name, GpuFacts gpu) {
  Target row{std::move(name), kLeastCpu, kLeastFacts, std::move(gpu)};
  row.numerics.dense = row.numerics.attention = Format::bf16;
  row.attentionError = 4e-3, row.gradientError = 2e-3; // probabilities are rounded to bf16
  row.factorError = 0x1p-22;                           // two tf32 keep so many bits
  return row;
}

/// The rows, widest instruction set first: `native` is the first that this machine has.
static ArrayRef<Target> rows() {
  static const Target table[] = {
      forCpu("avx512-bf16", "icelake-server", {512, 32, true, true, 32 << 10, 1 << 20}),
      forCpu("avx512-vnni", "icelake-server", {512, 32, true, false, 32 << 10, 1 << 20}),
      forCpu("x86-64-v4", "x86-64-v4", {512, 32, false, false, 32 << 10, 1 << 20}),
      forCpu("avx-vnni", "alderlake", {256, 16, true, false, 32 << 10, 1 << 20}),
      forCpu("x86-64-v3", kLeastCpu, kLeastFacts),
      forGpu("sm_89", {"sm_89", 78, 78, 101376, 142}),
      forGpu("sm_90", {"sm_90a", 80, 80, 232448, 132}),
      forGpu("sm_100", {"sm_100a", 86, 86, 232448, 148}),
      forGpu("sm_120", {"sm_120a", 87, 87, 101376, 188, "bf16+e4m3+int8+f32+e2m1"}),
      {"reference", kLeastCpu, kLeastFacts, std::nullopt, /*fuses=*/false, /*plain=*/true},
  };
  return table;
}

/// Products and full names of chips, and their rows.
static ArrayRef<std::pair<StringLiteral, StringLiteral>> aliases() {
  static constexpr std::pair<StringLiteral, StringLiteral> table[] = {
      {"rtx4090", "sm_89"},       {"h100", "sm_90"},     {"h200", "sm_90"},
      {"sm_90a", "sm_90"},        {"b200", "sm_100"},    {"sm_100a", "sm_100"},
      {"rtx-pro-6000", "sm_120"}, {"rtx5090", "sm_120"}, {"sm_120a", "sm_120"},
  };
  return table;
}

SmallVector<StringRef> Target::kernelInstructions() const {
  if (plain || gpu)
    return {};
  SmallVector<StringRef> sets{"avx2", "fma", "bmi2", "f16c"};
  bool isWide = facts.vectorBits == 512;
  if (isWide)
    sets.append({"avx512f", "avx512bw", "avx512dq", "avx512cd"});
  if (isWide || facts.bf16)
    sets.push_back("avx512vl");
  if (facts.vnni)
    sets.push_back(isWide ? "avx512vnni" : "avxvnni");
  if (facts.bf16)
    sets.push_back("avx512bf16");
  return sets;
}

/// Instruction sets of a CPU, by LLVM's names.
static SmallVector<StringRef> instructionsOf(StringRef cpu) {
  static const llvm::StringMap<bool> own = llvm::sys::getHostCPUFeatures();
  SmallVector<StringRef> sets;
  if (cpu != kThisCpu)
    llvm::X86::getFeaturesForCPU(cpu, sets);
  else
    for (auto &[name, isThere] : own)
      if (isThere)
        sets.push_back(name);
  return sets;
}

SmallVector<StringRef> Target::instructions() const {
  SmallVector<StringRef> sets = instructionsOf(cpu);
  llvm::append_range(sets, kernelInstructions());
  llvm::sort(sets);
  sets.erase(llvm::unique(sets), sets.end());
  return sets;
}

std::string Target::features() const {
  std::string more;
  SmallVector<StringRef> own = instructionsOf(cpu);
  for (StringRef set : kernelInstructions())
    if (!llvm::is_contained(own, set))
      more += (more.empty() ? "+" : ",+") + set.str();
  return more;
}

static std::optional<Target> nativeRow() {
  const char *wanted = getenv("NANOCHAT_NATIVE");
  bool isNamed = wanted && *wanted;
  for (Target row : rows()) {
    if (!row.fuses || row.gpu || (isNamed && row.name != wanted))
      continue;
    if (!isNamed)
      row.cpu = kThisCpu;
    if (nc::missingFeatures(llvm::join(row.instructions(), ",")).empty()) // as the program will ask
      return row;
  }
  return std::nullopt;
}

std::optional<Target> mlir::nanochat::findTarget(StringRef name) {
  if (name == "native" || name == "cpu")
    return nativeRow();
  for (auto [alias, row] : aliases())
    if (name == alias)
      name = row;
  for (const Target &row : rows())
    if (row.name == name)
      return row;
  return std::nullopt;
}

std::string mlir::nanochat::listTargets() {
  std::string names = "native, cpu";
  for (const Target &row : rows())
    names += ", " + row.name;
  for (auto [alias, row] : aliases())
    if (!alias.starts_with("sm_"))
      names += ", " + alias.str();
  return names;
}

std::string Target::title() const {
  return (plain && fuses ? "reference as " : "") + name + (numerics.floats == Format::f64 ? " in f64" : "");
}

int64_t GpuFacts::blocksOf(KernelAttr kernel) const {
  constexpr int64_t kThreads = 1024;
  int64_t tasks = kernel.getTasks(), perProcessor = kThreads / std::max<int64_t>(1, kernel.getThreads());
  if (kernel.getShared())
    perProcessor = std::min(perProcessor, sharedBytes / kernel.getShared());
  return kernel.getScratch() ? std::min(tasks, multiprocessors * std::max<int64_t>(1, perProcessor)) : tasks;
}

//===--- Rows as text ------------------------------------------------------------------------===//

static std::string textOf(bool value) { return value ? "true" : "false"; }
static std::string textOf(int64_t value) { return std::to_string(value); }
static std::string textOf(const std::string &value) { return value; }

/// Sets a fact to what `text` says; else returns what was expected.
static StringRef setFact(bool &fact, StringRef text) {
  fact = text == "true";
  return fact || text == "false" ? "" : "true or false";
}
static StringRef setFact(int64_t &fact, StringRef text) {
  constexpr int64_t most = int64_t(1) << 40; // products of few fit
  return !text.getAsInteger(10, fact) && fact > 0 && fact <= most ? "" : "a number from 1 to 2^40";
}
static StringRef setFact(std::string &fact, StringRef text) {
  fact = text.str();
  return "";
}

/// What facts of that name cannot be although their type can; else "".
static StringRef checkFacts(const Target &row) {
  if (row.facts.vectorBits != 256 && row.facts.vectorBits != 512)
    return "vector_bits: expected 256 or 512";
  if (row.cpu != kThisCpu && llvm::X86::parseArchX86(row.cpu, /*Only64Bit=*/true) == llvm::X86::CK_None)
    return "cpu: expected a name that LLVM has for one, or native";
  auto isMultiplied = [](StringRef name) {
    auto format = symbolizeFormat(name);
    return format && !factsOf(*format).mma.empty();
  };
  if (row.gpu && !row.gpu->mma.empty() && !llvm::all_of(llvm::split(row.gpu->mma, '+'), isMultiplied))
    return "mma: expected names of formats that mma.sync knows, with + in between";
  return "";
}

std::string Target::spell() const {
  std::vector<std::string> given;
  Target row = *findTarget(name);
  eachFact(row, [&](StringRef, const auto &value) { given.push_back(textOf(value)); });
  std::string text = name;
  eachFact(*this, [&, number = 0](StringRef fact, const auto &value) mutable {
    if (std::string own = textOf(value); own != given[number++])
      text += ":" + fact.str() + "=" + own;
  });
  return text;
}

FailureOr<Target> mlir::nanochat::parseTarget(Operation *op, StringRef text) {
  auto [name, changes] = text.split(':');
  std::optional<Target> row = findTarget(name);
  if (!row)
    return op->emitError("'") << name << "' is no target; targets are " << listTargets();
  for (StringRef change : llvm::split(changes, ':')) {
    if (changes.empty())
      break;
    auto [fact, value] = change.split('=');
    std::string names;
    std::optional<StringRef> expected;
    Target::eachFact(*row, [&, wanted = fact, given = value](StringRef fact, auto &field) {
      names += (names.empty() ? "" : ", ") + fact.str();
      if (fact == wanted)
        expected = setFact(field, given);
    });
    if (!expected)
      return op->emitError("'") << fact << "' is no fact of " << row->name << "; facts are " << names;
    if (!expected->empty())
      return op->emitError() << fact << " = '" << value << "': expected " << *expected;
  }
  if (StringRef fault = checkFacts(*row); !fault.empty())
    return op->emitError("'") << text << "' has an impossible fact; " << fault;
  return *row;
}

FailureOr<Target> mlir::nanochat::targetOf(Operation *op, StringRef text) {
  auto module = isa<ModuleOp>(op) ? cast<ModuleOp>(op) : op->getParentOfType<ModuleOp>();
  auto attr = module ? module->getAttrOfType<TargetAttr>(kTargetAttr) : TargetAttr();
  if (attr || !text.empty()) {
    FailureOr<Target> row = parseTarget(op, text.empty() ? attr.getRow() : text);
    if (succeeded(row))
      row->numerics = Numerics::of(op);
    return row;
  }
  InFlightDiagnostic error = op->emitError("has no target: it is ") << kTargetAttr << " of the module";
  error.attachNote()
      << "--nanochat-set-target=target=sm_90 sets it, and passes that check have an option: target=sm_90";
  return error;
}
