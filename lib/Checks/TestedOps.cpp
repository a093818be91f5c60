#include "lib/Checks/TestedOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace mlir::nanochat;

/// The op names in `text`, comments excluded: a CHECK line does not test an op.
static llvm::StringSet<> mentionedOps(StringRef text) {
  constexpr StringLiteral prefix = "nanochat.";
  llvm::StringSet<> names;
  for (StringRef line : llvm::split(text, '\n')) {
    line = line.split("//").first;
    for (size_t at = line.find(prefix); at != StringRef::npos; at = line.find(prefix, at + 1)) {
      StringRef mnemonic = line.drop_front(at + prefix.size()).take_while([](char c) {
        return llvm::isAlnum(c) || c == '_' || c == '.';
      });
      names.insert((prefix + mnemonic).str());
    }
  }
  return names;
}

static std::string runLines(StringRef text) {
  std::string commands;
  for (StringRef line : llvm::split(text, '\n'))
    if (size_t at = line.find("RUN:"); at != StringRef::npos)
      commands += line.drop_front(at).str() + '\n';
  return commands;
}

static void insertAll(llvm::StringSet<> &into, const llvm::StringSet<> &names) {
  for (const auto &name : names)
    into.insert(name.getKey());
}

void TestedOps::addFile(StringRef text) {
  std::string commandText = runLines(text);
  StringRef commands = commandText;
  llvm::StringSet<> names = mentionedOps(text);
  if (commands.contains("nanochat-opt %s | nanochat-opt"))
    insertAll(roundtrip, names);
  if (commands.contains("-verify-diagnostics"))
    insertAll(invalid, names);
  if (commands.contains("--nanochat-check-numeric"))
    insertAll(numeric, names);
  if (commands.contains("--nanochat-check-grad"))
    for (const auto &name : names) {
      numeric.insert(name.getKey());
      numeric.insert((name.getKey() + "_grad").str());
    }
}

llvm::Expected<TestedOps> TestedOps::read(StringRef folder) {
  TestedOps tested;
  std::error_code error;
  unsigned files = 0;
  for (llvm::sys::fs::recursive_directory_iterator it(folder, error), end; it != end && !error; it.increment(error)) {
    if (!StringRef(it->path()).ends_with(".mlir"))
      continue;
    auto buffer = llvm::MemoryBuffer::getFile(it->path());
    if (!buffer)
      return llvm::createFileError(it->path(), buffer.getError());
    tested.addFile((*buffer)->getBuffer());
    ++files;
  }
  if (error)
    return llvm::createFileError(folder, error);
  if (files == 0)
    return llvm::createStringError("'" + folder + "': found no *.mlir file, expected the op tests");
  return tested;
}
