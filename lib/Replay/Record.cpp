#include "lib/Replay/Record.h"
#include "lib/Replay/Walk.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::nanochat;

FailureOr<TensorFile> Record::openCall(int64_t number, StringRef kernel) const {
  return TensorFile::open(folder + llvm::formatv("/{0,0+6}.{1}.safetensors", number, kernel).str());
}

FailureOr<TensorFile> Record::openEntry(StringRef entry, StringRef when) const {
  return TensorFile::open(folder + "/" + entry + "." + when + ".safetensors");
}

LogicalResult Record::checkIdentity(const ProgramIdentity &program) const {
  func::FuncOp last = entries.back();
  auto file = openEntry(last.getName(), "after");
  if (failed(file))
    return failure();
  int64_t calls = 0;
  bool isFixed = true;
  for (func::FuncOp entry : entries) {
    auto count = countCalls(entry);
    calls += count.value_or(0);
    isFixed &= count.has_value();
  }
  auto check = [&](StringRef key, StringRef expected, StringRef wayOut) -> LogicalResult {
    StringRef found = file->metadata(key);
    if (found == expected)
      return success();
    return failUser(folder + " was recorded by a program with " + key + " '" + found + "', this one has '" + expected +
                        "'",
                    wayOut);
  };
  return success(
      succeeded(check("model", program.model, "name the model that the program was compiled from")) &&
      succeeded(check("target", program.target, "give the --target that the program was compiled for")) &&
      succeeded(check("ir_hash", program.irHash,
                      "give the --set that the program was compiled with; compile and record again if the "
                      "model or the compiler changed")) &&
      (!isFixed || succeeded(check("calls", std::to_string(calls), "compile and record again with this compiler"))));
}

FailureOr<Record> Record::open(StringRef folder, ModuleOp fused, const ProgramIdentity &program) {
  Record record;
  record.folder = folder.str();
  for (func::FuncOp entry : mlir::nanochat::getEntries(fused)) {
    EntryAttr own = getEntry(entry);
    if (own.getKind() == EntryKind::gradients &&
        llvm::sys::fs::exists(folder + "/" + entry.getName() + ".before.safetensors"))
      record.entries = {entry, findEntry(fused, EntryKind::update, own.getPhase())};
  }
  if (record.entries.empty())
    return failUser("'" + folder + "' holds no record of a training step of this model",
                    "make one with PROGRAM train --steps 1 --dump-dispatches " + folder);
  if (failed(record.checkIdentity(program)))
    return failure();
  return record;
}

FailureOr<SmallVector<Tensor>> Record::readArguments(func::FuncOp entry) const {
  auto file = openEntry(entry.getName(), "before");
  if (failed(file))
    return failure();
  return file->read(entry.getArgumentTypes(), [&](unsigned i) { return getArgBinding(entry, i).describe(); });
}

FailureOr<SmallVector<Tensor>> Record::readResults(func::FuncOp entry) const {
  auto file = openEntry(entry.getName(), "after");
  if (failed(file))
    return failure();
  return file->read(entry.getResultTypes(), [&](unsigned i) { return getResultBinding(entry, i).describe(); });
}
