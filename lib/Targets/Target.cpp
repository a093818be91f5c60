#include "lib/Targets/Target.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace mlir::nanochat;

/// The rows, widest instruction set first: `native` is the first that this machine has.
static ArrayRef<Target> rows() {
  static const Target table[] = {
      {"avx512-bf16", "icelake-server", "+avx512bf16", {512, 32, true, true, 32 << 10, 1 << 20}},
      {"avx512-vnni", "icelake-server", "", {512, 32, true, false, 32 << 10, 1 << 20}},
      {"x86-64-v4", "x86-64-v4", "", {512, 32, false, false, 32 << 10, 1 << 20}},
      {"avx-vnni", "alderlake", "", {256, 16, true, false, 32 << 10, 1 << 20}},
      {"x86-64-v3", "x86-64-v3", "", {256, 16, false, false, 32 << 10, 512 << 10}},
      {"sm_89", {"sm_89", 78, 78, 101376, 142, ""}},
      {"sm_90", {"sm_90a", 80, 80, 232448, 132, ""}},
      {"sm_100", {"sm_100a", 86, 86, 232448, 148, ""}},
      {"sm_120", {"sm_120a", 87, 87, 101376, 188, ""}},
      {"reference", "x86-64-v3", "", {}, true},
  };
  return table;
}

/// Products and full names of chips, and their rows.
static ArrayRef<std::pair<StringLiteral, StringLiteral>> aliases() {
  static constexpr std::pair<StringLiteral, StringLiteral> table[] = {
      {"rtx4090", "sm_89"}, {"h100", "sm_90"},          {"h200", "sm_90"},    {"sm_90a", "sm_90"},   {"b200", "sm_100"},
      {"sm_100a", "sm_100"}, {"rtx-pro-6000", "sm_120"}, {"rtx5090", "sm_120"}, {"sm_120a", "sm_120"},
  };
  return table;
}

/// Does this machine run code of the row?
static bool runsHere(const Target &row) {
  auto features = llvm::sys::getHostCPUFeatures();
  auto has = [&](StringRef feature) { return features.lookup(feature); };
  bool v3 = has("avx2") && has("fma") && has("bmi2") && has("f16c");
  bool v4 = v3 && has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl") && has("avx512cd");
  if (row.facts.vectorBits == 512)
    return v4 && (!row.facts.vnni || (has("avx512vnni") && has("avx512vbmi2"))) && (!row.facts.bf16 || has("avx512bf16"));
  return v3 && (!row.facts.vnni || has("avxvnni"));
}

static std::optional<Target> nativeRow() {
  const char *wanted = getenv("NANOCHAT_NATIVE");
  bool isNamed = wanted && *wanted;
  for (const Target &row : rows())
    if (!row.reference && !row.gpu && runsHere(row) && (!isNamed || row.name == wanted)) {
      Target target = row;
      if (!isNamed)
        target.cpu.clear(); // LLVM tunes for the very CPU
      return target;
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
