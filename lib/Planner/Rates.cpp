#include "lib/Planner/Rates.h"
#include "runtime/files/Names.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"
#include "llvm/TargetParser/Host.h"
#include <fstream>

using namespace mlir;
using namespace mlir::nanochat;
namespace json = llvm::json;

double Rates::of(const std::map<std::string, double> &rates, StringRef kind, StringRef arithmetic) {
  for (const std::string &name : {(kind + " " + arithmetic).str(), (kind + " f32").str(), kind.str()})
    if (auto found = rates.find(name); found != rates.end())
      return found->second;
  return rates.at("pointwise");
}

ArrayRef<StringRef> nanochat::rateKinds() {
  static const StringRef kinds[] = {"gemm f32",  "gemm bf16", "gemm int16",    "gemm int8",
                                    "gemm e4m3", "gemm e2m1", "attention f32", "attention bf16",
                                    "rowwise",   "pointwise", "generic"};
  return kinds;
}

namespace {
/// What a data sheet says of a GPU: 10¹² operations per second of dense products of bf16 with sums in f32, and 10⁹
/// bytes; and the shares of both that kernels on mma.sync are taken to reach.
struct Sheet {
  StringLiteral row;
  double bf16, bytes, gemm, attention;
};
} // namespace

static Rates guessGpu(Rates rates, const Sheet &sheet) {
  const double bf16 = 1e12 * sheet.bf16;
  // f32 products are three of tf32, which are half as fast.
  rates.best = {{"gemm f32", bf16 / 6},           {"gemm bf16", bf16},
                {"gemm int8", 2 * bf16},          {"gemm e4m3", 2 * bf16},
                {"gemm e2m1", 4 * bf16},          {"attention bf16", bf16},
                {"attention f32", bf16},          {"rowwise", 1e9 * sheet.bytes},
                {"pointwise", 1e9 * sheet.bytes}, {"generic", 1e9}};
  for (auto &[kind, rate] : rates.best) {
    double share = StringRef(kind).starts_with("gemm")        ? sheet.gemm
                   : StringRef(kind).starts_with("attention") ? sheet.attention
                                                              : 0.7;
    rates.mean[kind] = kind == "generic" ? rate : share * rate;
  }
  rates.call = 3e-6;
  return rates;
}

Rates nanochat::guessedRates(const Target &row, int64_t threads) {
  static constexpr Sheet sheets[] = {{"sm_89", 165, 1008, .80, .55},
                                     {"sm_90", 989, 3350, .55, .35},
                                     {"sm_100", 2250, 8000, .40, .25},
                                     {"sm_120", 500, 1792, .80, .55}};
  Rates rates{row.name, "", row.onGpu() ? 1 : threads};
  if (row.onGpu())
    return guessGpu(rates, *llvm::find_if(sheets, [&](const Sheet &sheet) { return row.name == sheet.row; }));
  // Two multiply-adds in a cycle, at 2.5 GHz.
  const double f32 = 4 * 2.5e9 * double(threads) * double(row.facts.vectorBits) / 32;
  const double bytes = 10e9 * double(std::min<int64_t>(threads, 8)), narrow = row.facts.vnni ? 2 : 1;
  rates.best = {{"gemm f32", f32},       {"gemm bf16", row.facts.bf16 ? 2 * f32 : f32},
                {"gemm int16", 2 * f32}, {"gemm int8", 2 * narrow * f32},
                {"attention f32", f32},  {"rowwise", bytes},
                {"pointwise", bytes},    {"generic", 1e9}};
  for (auto &[kind, rate] : rates.best)
    rates.mean[kind] = (kind.find(' ') == std::string::npos ? .7 : .85) * rate;
  rates.call = 5e-6;
  return rates;
}

std::string nanochat::printRates(const Rates &rates) {
  auto object = [](const std::map<std::string, double> &numbers) {
    json::Object object;
    for (auto &[kind, rate] : numbers)
      object[kind] = rate;
    return object;
  };
  return llvm::formatv("{0:2}\n", json::Value(json::Object{{"row", rates.row},
                                                           {"machine", rates.machine},
                                                           {"threads", rates.threads},
                                                           {"seconds_per_call", rates.call},
                                                           {"mean", object(rates.mean)},
                                                           {"best", object(rates.best)}}));
}

FailureOr<Rates> nanochat::parseRates(Location loc, StringRef text, StringRef file) {
  auto fail = [&](const Twine &what) -> LogicalResult {
    InFlightDiagnostic diag = emitError(loc) << "rates of '" << file << "': " << what;
    diag.attachNote() << "nanochat-opt --calibrate writes such a file for a processor, bench/gpu.sh for a GPU";
    return diag;
  };
  llvm::Expected<json::Value> value = json::parse(text);
  if (!value)
    return fail("no JSON: " + toString(value.takeError()));
  const json::Object *root = value->getAsObject();
  Rates rates;
  auto row = root ? root->getString("row") : std::nullopt;
  auto machine = root ? root->getString("machine") : std::nullopt;
  auto threads = root ? root->getInteger("threads") : std::nullopt;
  auto call = root ? root->getNumber("seconds_per_call") : std::nullopt;
  if (!row || !machine || !threads || *threads < 1 || !call)
    return fail("expected an object with row, machine, threads from 1 on and seconds_per_call");
  rates.row = row->str(), rates.machine = machine->str(), rates.threads = *threads, rates.call = *call;
  std::vector<std::string_view> names;
  for (StringRef kind : rateKinds())
    names.push_back(std::string_view(kind.data(), kind.size()));
  for (auto [key, numbers] : {std::pair("mean", &rates.mean), std::pair("best", &rates.best)}) {
    const json::Object *object = root->getObject(key);
    if (!object)
      return fail("expected an object '" + Twine(key) + "'");
    for (auto &[kind, rate] : *object) {
      auto number = rate.getAsNumber();
      if (!llvm::is_contained(rateKinds(), StringRef(kind)))
        return fail("unknown kind '" + Twine(StringRef(kind)) + "'; the nearest is '" +
                    std::string(names[*nc::findNearest(StringRef(kind).str(), names)]) + "'");
      if (!number || !(*number > 0) || !std::isfinite(*number))
        return fail("'" + Twine(StringRef(kind)) + "' is no rate per second");
      (*numbers)[StringRef(kind).str()] = *number;
    }
    for (StringRef needed : {"gemm f32", "attention f32", "rowwise", "pointwise"})
      if (!numbers->count(needed.str()))
        return fail("'" + Twine(key) + "' lacks '" + needed + "'");
  }
  if (!(rates.call >= 0 && rates.call < 1))
    return fail("seconds_per_call is " + std::to_string(rates.call));
  return rates;
}

std::string nanochat::machineName() {
  std::ifstream facts("/proc/cpuinfo");
  for (std::string line; std::getline(facts, line);)
    if (StringRef(line).starts_with("model name"))
      return StringRef(line).split(':').second.trim().str();
  return llvm::sys::getHostCPUName().str();
}

std::string nanochat::ratesFile(StringRef folder, const Target &row, int64_t threads) {
  if (folder.empty())
    return "";
  std::string name = llvm::formatv("rates-{0}-{1:x}-{2}.json", row.name, llvm::xxh3_64bits(machineName()), threads);
  SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return std::string(path);
}

FailureOr<Rates> nanochat::findRates(Location loc, const Target &row, int64_t threads, StringRef file,
                                     StringRef folder) {
  std::string path = file.empty() ? ratesFile(folder, row, threads) : file.str();
  auto content = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!content && !file.empty())
    return emitError(loc) << "rates of '" << file << "' cannot be read: " << content.getError().message();
  if (!content)
    return guessedRates(row, threads);
  FailureOr<Rates> rates = parseRates(loc, (*content)->getBuffer(), path);
  if (succeeded(rates) && rates->row != row.name)
    return emitError(loc) << "rates of '" << path << "' are for " << rates->row << ", not for " << row.name;
  return rates;
}
