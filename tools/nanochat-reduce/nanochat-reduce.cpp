// Makes a module smaller while a script of the user's still finds it interesting: for reports of
// bugs.
#include "dialect/Nesting.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "runtime/files/Files.h"
#include "tools/Registration.h"
#include "tools/ToolMain.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>

using Arguments = std::vector<std::string>;

/// What follows -o, made an argument of its own; the end if there is no such option.
static Arguments::iterator findOutput(Arguments &arguments) {
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    llvm::StringRef text = *argument;
    if (!text.consume_front("-o") && !text.consume_front("--o"))
      continue;
    if (text.empty())
      return std::next(argument, argument + 1 != arguments.end());
    if (text.consume_front("=")) {
      std::string value = text.str();
      *argument = "-o";
      return arguments.insert(argument + 1, value);
    }
  }
  return arguments.end();
}

/// Lets MLIR's main, which writes in place, write aside.
static int reduce(Arguments arguments) {
  for (size_t i = 1; i < arguments.size(); ++i) {
    auto input = llvm::MemoryBuffer::getFile(arguments[i]);
    llvm::MemoryBufferRef option(arguments[i], "the command line");
    if (!mlir::nanochat::checkNesting(input ? **input : option))
      return 2;
  }
  std::unique_ptr<nc::AtomicFile> file;
  auto output = findOutput(arguments);
  if (output != arguments.end() && *output != "-") {
    std::vector<nc::NamedPath> inputs;
    for (auto argument = arguments.begin() + 1; argument != arguments.end(); ++argument)
      if (argument != output && (*argument)[0] != '-')
        inputs.push_back({"the reducer", *argument});
    nc::checkWritable(*output, "-o");
    nc::checkOutputs(inputs, {{"-o", *output}});
    file = std::make_unique<nc::AtomicFile>(*output);
    if (!file->isDirect())
      *output = file->aside();
  }
  std::vector<char *> argv;
  for (std::string &argument : arguments)
    argv.push_back(argument.data());
  mlir::DialectRegistry registry;
  mlir::nanochat::registerDialectsAndPasses(registry);
  mlir::MLIRContext context(registry);
  if (failed(mlir::mlirReduceMain(argv.size(), argv.data(), context)))
    return 2;
  if (file)
    file->commit();
  return 0;
}

int main(int argc, char **argv) {
  return mlir::nanochat::toolMain([&] { return reduce(Arguments(argv, argv + argc)); });
}
