// The plan as one page of HTML that needs nothing else: memory by class, and a timeline of the workspace in which every
// buffer is a box, as wide as it is alive and as high as it has bytes.
#include "lib/Planner/Plan.h"
#include "runtime/report/Escape.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::nanochat;
namespace json = llvm::json;

static constexpr double kWidth = 1100, kHeight = 420;

static std::string text(StringRef raw) { return nc::escapeMarkup(raw.str()); }

static StringRef colourOf(StringRef use) {
  static const llvm::StringMap<StringRef> colours = {
      {"masters", "#4c6ef5"},   {"working copies", "#15aabf"}, {"working_copies", "#15aabf"},
      {"gradients", "#f76707"}, {"states", "#7950f2"},         {"saved", "#2f9e44"},
      {"head", "#e64980"},      {"workspace", "#adb5bd"},      {"communication", "#fab005"},
      {"io", "#495057"},        {"scratch", "#868e96"},        {"reserve", "#ced4da"}};
  auto found = colours.find(use);
  return found == colours.end() ? "#000" : found->second;
}

static void writeBar(const json::Object &plan, llvm::raw_ostream &os) {
  int64_t total = *plan.getInteger("total_bytes");
  os << llvm::formatv("<h2>Memory: {0}</h2>\n<svg viewBox='0 0 {1} 40' width='100%'>", gigabytes(total),
                      int64_t(kWidth));
  double at = 0;
  for (const json::Value &value : *plan.getArray("memory")) {
    const json::Object &part = *value.getAsObject();
    double width = kWidth * double(*part.getInteger("bytes")) / double(total);
    os << llvm::format("<rect x='%.2f' y='0' width='%.2f' height='40' fill='", at, width)
       << colourOf(*part.getString("class")) << "'><title>" << text(*part.getString("class")) << ": "
       << gigabytes(*part.getInteger("bytes")) << "</title></rect>";
    at += width;
  }
  os << "</svg>\n<table>\n";
  for (const json::Value &value : *plan.getArray("memory")) {
    const json::Object &part = *value.getAsObject();
    os << "<tr><td><span style='color:" << colourOf(*part.getString("class")) << "'>&#9632;</span> "
       << text(*part.getString("class")) << "</td><td class='n'>" << grouped(*part.getInteger("bytes"))
       << "</td></tr>\n";
  }
  os << "</table>\n";
}

/// The boxes of one entry.
static void writeTimeline(StringRef entry, ArrayRef<const json::Object *> buffers, llvm::raw_ostream &os) {
  double steps = 1, bytes = 1;
  for (const json::Object *buffer : buffers) {
    steps = std::max(steps, double(*buffer->getInteger("last")) + 1);
    bytes = std::max(bytes, double(*buffer->getInteger("offset") + *buffer->getInteger("bytes")));
  }
  os << "<h2>" << text(entry) << ": " << gigabytes(int64_t(bytes)) << " of workspace</h2>\n"
     << llvm::formatv("<svg viewBox='0 0 {0} {1}' width='100%' class='box'>\n", int64_t(kWidth), int64_t(kHeight));
  for (const json::Object *buffer : buffers) {
    double first = double(*buffer->getInteger("first")), last = double(*buffer->getInteger("last"));
    double low = double(*buffer->getInteger("offset")), size = double(*buffer->getInteger("bytes"));
    os << llvm::format("<rect x='%.2f' y='%.2f' width='%.2f' height='%.3f' fill='", kWidth * first / steps,
                       kHeight * (1 - (low + size) / bytes), kWidth * (last - first + 1) / steps,
                       kHeight * size / bytes)
       << colourOf(*buffer->getString("use")) << "'><title>" << text(*buffer->getString("type")) << ", "
       << grouped(int64_t(size)) << " bytes, " << text(*buffer->getString("use")) << ", steps " << int64_t(first)
       << " to " << int64_t(last) << "\n"
       << text(*buffer->getString("of")) << "</title></rect>\n";
  }
  os << "</svg>\n";
}

void mlir::nanochat::printPlanPage(const json::Object &plan, llvm::raw_ostream &os) {
  std::string title = (*plan.getString("model") + " for " + *plan.getString("target")).str();
  const json::Object &time = *plan.getObject("time");
  os << "<!doctype html>\n<html lang='en'><meta charset='utf-8'><title>" << text(title) << "</title>\n<style>\n"
     << "body { font: 15px/1.4 system-ui, sans-serif; max-width: 1150px; margin: 2em auto; padding: 0 1em; color: #222 "
        "}\n"
     << "td { padding: .1em 1em .1em 0 } .n { text-align: right; font-variant-numeric: tabular-nums }\n"
     << ".box { background: #f1f3f5 } rect { stroke: #fff; stroke-width: .3 } rect:hover { stroke: #000; stroke-width: "
        "1.5 }\n"
     << "</style>\n<h1>" << text(title) << "</h1>\n<p>";
  for (auto &[name, size] : sorted(*plan.getObject("sizes")))
    os << text(name) << " = " << size << " &nbsp; ";
  os << "<br>" << text(*plan.getObject("choice")->getString("options")) << "</p>\n"
     << llvm::formatv("<p>A step takes {0:f3} s as predicted ({1:f0} tokens/s), {2:f3} s at least; rates {3}. ",
                      *time.getNumber("seconds_per_step"), *time.getNumber("tokens_per_second"),
                      *time.getNumber("floor_seconds"), text(*time.getString("rates")))
     << grouped(*plan.getInteger("parameters_stored")) << " parameters stored, "
     << grouped(*plan.getInteger("parameters_effective")) << " effective, "
     << grouped(*plan.getInteger("flops_per_token")) << " FLOPs per token.</p>\n";
  writeBar(plan, os);
  llvm::MapVector<StringRef, SmallVector<const json::Object *>> byEntry;
  for (const json::Value &value : *plan.getArray("workspace"))
    byEntry[*value.getAsObject()->getString("entry")].push_back(value.getAsObject());
  for (auto &[entry, buffers] : byEntry)
    writeTimeline(entry, buffers, os);
  os << "</html>\n";
}
