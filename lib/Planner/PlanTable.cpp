#include "lib/Planner/Plan.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::nanochat;
namespace json = llvm::json;

std::string mlir::nanochat::grouped(int64_t number) {
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

std::string mlir::nanochat::gigabytes(int64_t bytes) {
  std::string text;
  llvm::raw_string_ostream os(text);
  bytes < 1'000'000'000 ? os << llvm::format("%.1f MB", double(bytes) / 1e6)
                        : os << llvm::format("%.2f GB", double(bytes) / 1e9);
  return text;
}

std::map<std::string, int64_t> mlir::nanochat::sorted(const json::Object &numbers) {
  std::map<std::string, int64_t> byName;
  for (auto &[name, number] : numbers)
    byName[name.str()] = *number.getAsInteger();
  return byName;
}

/// Calls of a step; such as are done now and then have a fraction.
static std::string callsText(double calls) {
  if (calls == double(int64_t(calls)))
    return grouped(int64_t(calls));
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.2g", calls);
  return text;
}

static void printFloors(const json::Array &dispatches, llvm::raw_ostream &os) {
  os << "\ndispatches, and what a call takes at least: bytes of its operands, operations (a multiply-add is two)\n"
     << llvm::right_justify("calls", 8) << llvm::right_justify("bytes", 16) << llvm::right_justify("operations", 20)
     << llvm::right_justify("per byte", 10) << "  of    what\n";
  for (const json::Value &value : dispatches) {
    const json::Object &floor = *value.getAsObject();
    int64_t bytes = *floor.getInteger("bytes"), operations = *floor.getInteger("operations");
    os << llvm::right_justify(callsText(*floor.getNumber("calls")), 8) << llvm::right_justify(grouped(bytes), 16)
       << llvm::right_justify(grouped(operations), 20)
       << llvm::format("%10.1f", double(operations) / double(std::max<int64_t>(1, bytes))) << "  "
       << llvm::left_justify(*floor.getString("arithmetic"), 6) << *floor.getString("entry") << " "
       << *floor.getString("kernel") << "\n";
  }
}

/// Kernels that no emitter took, by the reason.
static void printPlain(const json::Array &kernels, llvm::raw_ostream &os) {
  std::map<std::string, std::string> namesByReason;
  for (const json::Value &value : kernels) {
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
static void printFp4(const json::Array &products, llvm::raw_ostream &os) {
  if (!products.empty())
    os << "\nproducts of four-bit floats, and bytes of their codes and scales\n";
  for (const json::Value &value : products) {
    const json::Object &product = *value.getAsObject();
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

/// Predicted time of a step, and what it is made of.
static void printTime(const json::Object &time, llvm::raw_ostream &os) {
  double seconds = *time.getNumber("seconds_per_step");
  os << llvm::left_justify("predicted time of a step", 34)
     << llvm::right_justify(llvm::formatv("{0:f3} s", seconds).str(), 20)
     << llvm::format("   %.0f tokens/s", *time.getNumber("tokens_per_second")) << "\n"
     << llvm::left_justify("  at least", 34)
     << llvm::right_justify(llvm::formatv("{0:f3} s", *time.getNumber("floor_seconds")).str(), 20) << "   rates "
     << *time.getString("rates") << "\n";
  std::map<std::string, double> kinds;
  for (auto &[kind, value] : *time.getObject("by_kind"))
    kinds[kind.str()] = *value.getAsNumber();
  for (auto &[kind, value] : kinds)
    os << llvm::left_justify("  " + kind, 34) << llvm::right_justify(llvm::formatv("{0:f3} s", value).str(), 20)
       << llvm::format("   %.0f %%", seconds > 0 ? 100 * value / seconds : 0.0) << "\n";
}

static void printMemory(const json::Object &plan, llvm::raw_ostream &os) {
  os << "\n" << llvm::left_justify("memory", 34) << llvm::right_justify("bytes", 20) << "\n";
  for (const json::Value &value : *plan.getArray("memory")) {
    const json::Object &part = *value.getAsObject();
    StringRef name = *part.getString("class");
    int64_t threads = *plan.getInteger("threads");
    printRow(os, name, *part.getInteger("bytes"),
             name == "scratch" && threads > 1 ? (Twine(threads) + " threads").str() : "");
  }
  int64_t total = *plan.getInteger("total_bytes"), host = *plan.getInteger("host_bytes");
  printRow(os, "total", total, gigabytes(total));
  printRow(os, "of which saved for gradients", *plan.getInteger("saved_bytes"),
           gigabytes(*plan.getInteger("saved_bytes")));
  if (host)
    printRow(os, "of the host, beside a GPU's", host, gigabytes(host));
  os << "\n" << llvm::left_justify("arena", 34) << llvm::right_justify("bytes", 20) << "\n";
  for (auto &[name, bytes] : sorted(*plan.getObject("arena_bytes")))
    printRow(os, name, bytes);
}

static void printLayouts(const json::Array &layouts, llvm::raw_ostream &os) {
  os << "\nranks that compute a batch together, and what a step of as many sequences then takes\n  --tensor      bytes "
        "sent  "
        "exchange, s   exposed, s      step, s          memory\n";
  for (const json::Value &value : layouts) {
    const json::Object &row = *value.getAsObject();
    os << llvm::format("%10lld", (long long)*row.getInteger("tensor"))
       << llvm::right_justify(gigabytes(*row.getInteger("bytes_sent_per_step")), 16)
       << llvm::format("%13.4g %12.4g %12.4g", *row.getNumber("exchange_seconds"), *row.getNumber("exposed_seconds"),
                       *row.getNumber("seconds_per_step"))
       << llvm::right_justify(gigabytes(*row.getInteger("total_bytes")), 16) << "\n";
  }
}

static void printCommunication(const json::Object &found, llvm::raw_ostream &os) {
  if (auto sent = found.getInteger("bytes_sent_per_step")) {
    os << "\n";
    printRow(os, "exchanges of a step", int64_t(std::llround(*found.getNumber("exchanges_per_step"))));
    printRow(os, "bytes sent, of rank 0", *sent, gigabytes(*sent));
  }
  if (auto seconds = found.getNumber("seconds"))
    os << llvm::format("exchanges take %.4g s, of which %.4g s are waited for\n", *seconds,
                       *found.getNumber("exposed_seconds"));
  if (const json::Array *layouts = found.getArray("layouts"))
    printLayouts(*layouts, os);
  const json::Array *scaling = found.getArray("scaling");
  if (!scaling)
    return;
  os << "\nthe same step on more ranks, if no exchange were hidden\n   ranks   compute, s  exchange, s       tokens/s  "
        "efficiency\n";
  for (const json::Value &value : *scaling) {
    const json::Object &row = *value.getAsObject();
    os << llvm::format("%8lld %12.4g %12.4g %14.0f %10.1f%%\n", (long long)*row.getInteger("ranks"),
                       *row.getNumber("compute_seconds"), *row.getNumber("exchange_seconds"),
                       *row.getNumber("tokens_per_second"), 100 * *row.getNumber("efficiency"));
  }
}

static void printBuffers(const json::Array &buffers, llvm::raw_ostream &os) {
  os << "\nworkspace buffers, alive from step to step of their entry\n"
     << llvm::right_justify("bytes", 16) << llvm::right_justify("offset", 16)
     << "   alive        use             what\n";
  for (const json::Value &value : buffers) {
    const json::Object &buffer = *value.getAsObject();
    std::string alive = std::to_string(*buffer.getInteger("first")) + "-" + std::to_string(*buffer.getInteger("last"));
    os << llvm::right_justify(grouped(*buffer.getInteger("bytes")), 16)
       << llvm::right_justify(grouped(*buffer.getInteger("offset")), 16) << "   " << llvm::left_justify(alive, 12)
       << " " << llvm::left_justify(*buffer.getString("use"), 15) << " " << *buffer.getString("entry") << " "
       << *buffer.getString("type") << "  " << buffer.getString("of")->split(", ").first << "\n";
  }
}

void mlir::nanochat::printPlanTable(const json::Object &plan, llvm::raw_ostream &os) {
  auto number = [&](StringRef key) { return *plan.getInteger(key); };
  os << *plan.getString("model") << " for " << *plan.getString("target") << ":";
  for (auto &[name, size] : sorted(*plan.getObject("sizes")))
    os << " " << name << "=" << size;
  StringRef options = *plan.getObject("choice")->getString("options");
  os << "\n" << (options.empty() ? "" : "with " + options.str() + "\n") << "\n";
  printRow(os, "parameters stored", number("parameters_stored"));
  printRow(os, "parameters effective", number("parameters_effective"), "as many would do this work unshared");
  printRow(os, "FLOPs per token, training", number("flops_per_token"), "without what is made again");
  printFilter(*plan.getObject("filter"), number("flops_per_token"), os);
  for (auto &[entry, count] : sorted(*plan.getObject("operations")))
    printRow(os, "operations of " + entry, count);
  printTime(*plan.getObject("time"), os);
  printMemory(plan, os);
  printCommunication(*plan.getObject("communication"), os);
  printBuffers(*plan.getArray("workspace"), os);
  printFloors(*plan.getArray("dispatches"), os);
  printFp4(*plan.getArray("fp4_products"), os);
  printPlain(*plan.getArray("plain_kernels"), os);
}
