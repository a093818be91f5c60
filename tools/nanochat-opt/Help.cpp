#include "tools/nanochat-opt/Help.h"
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Appends `name` and, beside or below it, `text` in lines that start at the same column.
static void addEntry(std::string &out, llvm::StringRef name, llvm::StringRef text, size_t columns) {
  constexpr size_t kIndent = 26;
  std::string line = ("  " + name).str();
  bool isEmpty = true; // the line has no word of the text yet
  for (llvm::StringRef word : llvm::split(text, ' ')) {
    bool isFull = isEmpty ? line.size() >= kIndent : line.size() + 1 + word.size() > columns;
    if (isFull)
      out += line + "\n", line.clear(), isEmpty = true;
    line += std::string(isEmpty ? kIndent - line.size() : 1, ' ') + word.str();
    isEmpty = false;
  }
  out += line + "\n";
}

std::string mlir::nanochat::helpText(const nc::Tool &tool, size_t columns) {
  std::string out = "Usage: " + tool.name +
                    " MODEL.mlir --target=ROW [options]   a model's program, code or plan\n       " + tool.name +
                    " FILE.mlir --PASS ...                what passes make of any IR, as mlir-opt\n       " +
                    tool.name + " COMMAND --help                      one of the commands below\n\nExamples:\n";
  for (llvm::StringRef example : llvm::split(tool.examples, '\n'))
    out += ("  " + example + "\n").str();
  llvm::MapVector<llvm::StringRef, std::string> groups;
  for (const nc::ToolOption &option : tool.options)
    if (!option.group.empty() && option.name[0] == '-')
      addEntry(groups[option.group],
               option.name + (option.value.empty() ? "" : (option.name[1] == '-' ? "=" : " ") + option.value),
               option.help, columns);
  for (auto &[heading, entries] : groups)
    out += ("\n" + heading + ":\n" + entries).str();
  out += "\nCommands, each with its own --help:\n" + nc::listToolCommands() +
         "\nPasses of this compiler (docs/passes.md):\n";
  std::map<llvm::StringRef, llvm::StringRef> passes;
  for (auto &[name, option] : llvm::cl::getRegisteredOptions())
    if (const PassInfo *pass = name.starts_with("nanochat-") ? PassInfo::lookup(name) : nullptr)
      passes[name] = pass->getPassDescription();
  for (auto [name, description] : passes)
    addEntry(out, ("--" + name).str(), description, columns);
  return out + "\n--help-hidden lists the options and passes of MLIR and LLVM as well.\n";
}
