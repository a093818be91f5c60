#include "lib/Driver/Plan.h"
#include "dialect/StepIR.h"
#include "lib/Driver/Floors.h"
#include "lib/Program/Descriptor.h"
#include "lib/Targets/Target.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include <map>

using namespace mlir;
using namespace mlir::nanochat;
namespace json = llvm::json;

/// The plan as data; the table prints the same.
static json::Object describe(ModuleOp emitted, int64_t unfiltered, const Target &row) {
  ProgramOp program = getProgram(emitted);
  json::Object sizes, arenas;
  for (NamedAttribute size : program.getSizes())
    sizes[size.getName().strref()] = cast<IntegerAttr>(size.getValue()).getInt();
  int64_t total = 0;
  for (auto [arena, bytes] : llvm::enumerate(program.getArenas())) {
    arenas[stringifyArena(Arena(arena))] = bytes;
    total += bytes;
  }
  json::Array buffers;
  int64_t saved = 0; // of the entry that saves most: entries run one after the other, in the same arena
  llvm::StringMap<int64_t> savedBy;
  for (TemporaryOp buffer : program.getBody().getOps<TemporaryOp>()) {
    std::string type;
    llvm::raw_string_ostream(type) << buffer.getType();
    int64_t bytes = buffer.getBytes(), offset = buffer.getOffset(), first = buffer.getFirst(), last = buffer.getLast();
    saved = std::max(saved, savedBy[buffer.getEntry()] += buffer.getSaved() ? bytes : 0);
    buffers.push_back(json::Object{{"entry", buffer.getEntry()},
                                   {"type", type},
                                   {"bytes", bytes},
                                   {"offset", offset},
                                   {"first", first},
                                   {"last", last},
                                   {"saved", buffer.getSaved()}});
  }
  json::Array dispatches;
  std::map<std::string, int64_t> work;
  for (const DispatchFloor &floor : collectFloors(emitted)) {
    work[floor.entry.str()] += floor.calls * floor.operations;
    dispatches.push_back(json::Object{{"entry", floor.entry},
                                      {"kernel", floor.kernel},
                                      {"class", floor.kind},
                                      {"arithmetic", floor.arithmetic},
                                      {"calls", floor.calls},
                                      {"bytes", floor.bytes},
                                      {"operations", floor.operations}});
  }
  json::Object operations;
  for (auto &[entry, count] : work)
    operations[entry] = count;
  json::Array fp4;
  for (auto product : program.getFp4Products().getAsRange<Fp4ProductAttr>()) {
    bool isNative = row.multipliesFp4(product.getK());
    fp4.push_back(
        json::Object{{"product", product.getSite()},
                     {"bytes", isNative ? (product.getCodes() + product.getWeights()) / 2 + product.getScales()
                                        : product.getCodes() + product.getScales()},
                     {"by", isNative  ? std::string("native: mma.sync with block_scale")
                            : row.gpu ? "emulated: " + stringifyFormat(row.numerics.dense).str() + " mma"
                                      : "integers, in bytes"}});
  }
  json::Object filter;
  if (program.getKeptRows())
    filter =
        json::Object{{"kept_rows", int64_t(program.getKeptRows())},
                     {"flops_per_token_without", unfiltered},
                     {"attention", row.gpu ? "of all tokens: GPUs have no kernel of kept ones" : "of kept tokens"}};
  json::Array plain;
  for (auto kernel : emitted.getOps<func::FuncOp>())
    if (auto why = kernel->getAttrOfType<StringAttr>(kDeclinedAttr))
      plain.push_back(json::Object{{"kernel", kernel.getName()}, {"why", why.getValue()}});
  return json::Object{{"model", program.getModel()},
                      {"target", program.getTarget()},
                      {"sizes", std::move(sizes)},
                      {"parameters_stored", int64_t(program.getParametersStored())},
                      {"parameters_effective", int64_t(program.getParametersEffective())},
                      {"flops_per_token", int64_t(program.getFlopsPerToken())},
                      {"operations", std::move(operations)},
                      {"filter", std::move(filter)},
                      {"arena_bytes", std::move(arenas)},
                      {"total_bytes", total},
                      {"scratch_bytes_per_thread", scratchBytes(emitted, row.onGpu())},
                      {"saved_bytes", saved},
                      {"workspace", std::move(buffers)},
                      {"dispatches", std::move(dispatches)},
                      {"fp4_products", std::move(fp4)},
                      {"plain_kernels", std::move(plain)}};
}

/// 1234567 as 1,234,567.
static std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  for (int64_t at = int64_t(text.size()) - 3; at > 0; at -= 3)
    text.insert(at, ",");
  return text;
}

static void printRow(llvm::raw_ostream &os, const Twine &name, int64_t number, StringRef note = "") {
  os << llvm::left_justify(name.str(), 34) << llvm::right_justify(grouped(number), 20);
  if (!note.empty())
    os << "   " << note;
  os << "\n";
}

static std::string mebibytes(int64_t bytes) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.1f MiB", double(bytes) / (1 << 20));
  return text;
}

static std::map<std::string, int64_t> sorted(const json::Object &numbers) {
  std::map<std::string, int64_t> byName;
  for (auto &[name, number] : numbers)
    byName[name.str()] = *number.getAsInteger();
  return byName;
}

static void printFloors(json::Array &dispatches, llvm::raw_ostream &os) {
  os << "\ndispatches, and what a call takes at least: bytes of its operands, operations (a multiply-add is two)\n"
     << llvm::right_justify("calls", 8) << llvm::right_justify("bytes", 16) << llvm::right_justify("operations", 20)
     << llvm::right_justify("per byte", 10) << "  of    what\n";
  for (json::Value &value : dispatches) {
    json::Object &floor = *value.getAsObject();
    int64_t bytes = *floor.getInteger("bytes"), operations = *floor.getInteger("operations");
    os << llvm::right_justify(grouped(*floor.getInteger("calls")), 8) << llvm::right_justify(grouped(bytes), 16)
       << llvm::right_justify(grouped(operations), 20)
       << llvm::format("%10.1f", double(operations) / double(std::max<int64_t>(1, bytes))) << "  "
       << llvm::left_justify(*floor.getString("arithmetic"), 6) << *floor.getString("entry") << " "
       << *floor.getString("kernel") << "\n";
  }
}

/// Kernels that no emitter took, by the reason.
static void printPlain(json::Array &kernels, llvm::raw_ostream &os) {
  std::map<std::string, std::string> namesByReason;
  for (json::Value &value : kernels) {
    std::string &names = namesByReason[value.getAsObject()->getString("why")->str()];
    names += (names.empty() ? "" : ", ") + value.getAsObject()->getString("kernel")->str();
  }
  if (!kernels.empty())
    os << "\n"
       << kernels.size() << (kernels.size() == 1 ? " kernel is" : " kernels are") << " plain loops, one task each:\n";
  for (auto &[why, names] : namesByReason)
    os << "  " << why << ": " << names << "\n";
}

/// What is of four-bit floats, how it is multiplied, and what its codes and scales take.
static void printFp4(json::Array &products, llvm::raw_ostream &os) {
  if (!products.empty())
    os << "\nproducts of four-bit floats, and bytes of their codes and scales\n";
  for (json::Value &value : products) {
    json::Object &product = *value.getAsObject();
    printRow(os, *product.getString("product"), *product.getInteger("bytes"), *product.getString("by"));
  }
}

/// What an objective's filter leaves out of `flops` per token.
static void printFilter(const json::Object &filter, int64_t flops, llvm::raw_ostream &os) {
  if (filter.empty())
    return;
  int64_t without = *filter.getInteger("flops_per_token_without");
  std::string less;
  llvm::raw_string_ostream(less) << llvm::format("a filter saves %.1f %%",
                                                 100.0 - 100.0 * double(flops) / double(without));
  printRow(os, "  without a filter", without, less);
  printRow(os, "tokens of a sequence with gradients", *filter.getInteger("kept_rows"),
           ("gradients of attention are " + *filter.getString("attention")).str());
}

static void printTable(json::Object &plan, llvm::raw_ostream &os) {
  auto number = [&](StringRef key) { return *plan.getInteger(key); };
  os << *plan.getString("model") << " for " << *plan.getString("target") << ":";
  for (auto &[name, size] : sorted(*plan.getObject("sizes")))
    os << " " << name << "=" << size;
  os << "\n\n";
  printRow(os, "parameters stored", number("parameters_stored"));
  printRow(os, "parameters effective", number("parameters_effective"), "as many would do this work unshared");
  printRow(os, "FLOPs per token, training", number("flops_per_token"));
  printFilter(*plan.getObject("filter"), number("flops_per_token"), os);
  for (auto &[entry, count] : sorted(*plan.getObject("operations")))
    printRow(os, "operations of " + entry, count);
  os << "\n" << llvm::left_justify("arena", 34) << llvm::right_justify("bytes", 20) << "\n";
  for (auto &[name, bytes] : sorted(*plan.getObject("arena_bytes")))
    printRow(os, name, bytes);
  printRow(os, "total", number("total_bytes"), mebibytes(number("total_bytes")));
  printRow(os, "of which saved for gradients", number("saved_bytes"), mebibytes(number("saved_bytes")));
  printRow(os, "scratch per thread", number("scratch_bytes_per_thread"));
  os << "\nworkspace buffers, alive from step to step of their entry; * saved for gradients\n"
     << llvm::right_justify("bytes", 16) << llvm::right_justify("offset", 16) << "   alive        what\n";
  for (json::Value &value : *plan.getArray("workspace")) {
    json::Object &buffer = *value.getAsObject();
    std::string alive = std::to_string(*buffer.getInteger("first")) + "-" + std::to_string(*buffer.getInteger("last"));
    os << llvm::right_justify(grouped(*buffer.getInteger("bytes")), 16)
       << llvm::right_justify(grouped(*buffer.getInteger("offset")), 16)
       << (*buffer.getBoolean("saved") ? " * " : "   ") << llvm::left_justify(alive, 12) << " "
       << *buffer.getString("entry") << " " << *buffer.getString("type") << "\n";
  }
  printFloors(*plan.getArray("dispatches"), os);
  printFp4(*plan.getArray("fp4_products"), os);
  printPlain(*plan.getArray("plain_kernels"), os);
}

LogicalResult mlir::nanochat::printPlan(ModuleOp emitted, int64_t unfiltered, bool isJson, llvm::raw_ostream &os) {
  FailureOr<Target> row = targetOf(emitted);
  if (failed(row))
    return failure();
  json::Object plan = describe(emitted, unfiltered, *row);
  if (isJson)
    os << llvm::formatv("{0:2}\n", json::Value(std::move(plan)));
  else
    printTable(plan, os);
  return success();
}
