#include "dialect/Nesting.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::nanochat;
using llvm::StringRef;

/// References to aliases that a text may hold when all are written out.
static constexpr uint64_t kLargest = 1 << 20;

namespace {
class NestingScanner {
public:
  explicit NestingScanner(StringRef text) : text(text) {}

  size_t find() {
    while (at < text.size() && depth <= kDeepestNesting)
      step();
    return depth > kDeepestNesting ? at : StringRef::npos;
  }

private:
  void step() {
    char c = text[at];
    signs = c == '-' ? signs + 1 : llvm::isSpace(c) ? signs : 0;
    if (c == '"')
      return skipString();
    if (text.substr(at).starts_with("//"))
      at = std::min(text.find('\n', at), text.size());
    else if (c == '#' || c == '!')
      return readAlias();
    else if (StringRef("([{<").contains(c))
      open(c);
    else if (StringRef(")]}>").contains(c))
      close(c);
    else if (c == '-')
      reach(opened.size() + signs); // each sign of "---d0" stands for what is behind it
    else if (c == '\n' && opened.empty())
      defined = "";
    if (depth <= kDeepestNesting)
      ++at;
  }

  /// To its end, or that of the line.
  void skipString() {
    for (++at; at < text.size() && text[at] != '"' && text[at] != '\n'; ++at)
      at += text[at] == '\\';
    ++at;
  }

  void open(char bracket) {
    opened.push_back(bracket);
    reach(opened.size());
  }

  /// A bracket that closes another one closes what is open in between: "<" may be no bracket at all. Nor are "->" and
  /// ">=".
  void close(char bracket) {
    if (bracket == '>' && at > 0 && text[at - 1] == '-')
      return;
    char opener = bracket == ')' ? '(' : bracket == ']' ? '[' : bracket == '}' ? '{' : '<';
    if (bracket == '>' ? !opened.empty() && opened.back() == '<' : llvm::is_contained(opened, opener))
      while (opened.pop_back_val() != opener)
        ;
  }

  /// "#a = ..." defines what "#a" stands for everywhere else.
  void readAlias() {
    auto isPart = [](char c) { return llvm::isAlnum(c) || StringRef("_$.-").contains(c); };
    StringRef name = text.substr(at, 1 + text.substr(at + 1).take_while(isPart).size());
    StringRef rest = text.substr(at + name.size()).ltrim(" \t");
    if (opened.empty() && rest.starts_with("=") && !rest.starts_with("=="))
      defined = name;
    else if (auto known = depths.find(name); known != depths.end())
      refer(name, opened.size() + 1 + known->second);
    if (depth <= kDeepestNesting)
      at += name.size();
  }

  /// Aliases of aliases that stand for too much, written out, are as good as too deep.
  void refer(StringRef name, unsigned level) {
    uint64_t referred = sizes.lookup(name);
    uint64_t &size = sizes[defined]; // of the text itself under ""
    size = std::min(size + 1 + referred, kLargest + 1);
    reach(size > kLargest ? kDeepestNesting + 1 : level);
  }

  void reach(unsigned level) {
    depth = std::max(depth, level);
    if (!defined.empty())
      depths[defined] = std::max(depths[defined], level);
  }

  StringRef text, defined; // defined: the alias whose definition this is
  size_t at = 0;
  unsigned depth = 0; // the largest so far
  unsigned signs = 0; // in a row
  llvm::SmallVector<char> opened;
  llvm::StringMap<unsigned> depths; // of aliases
  llvm::StringMap<uint64_t> sizes;  // of aliases, in references to others that they stand for
};
} // namespace

size_t mlir::nanochat::findDeepNesting(StringRef text) {
  return text.starts_with("ML\xefR") ? StringRef::npos : NestingScanner(text).find();
}

bool mlir::nanochat::checkNesting(llvm::MemoryBufferRef source) {
  size_t at = findDeepNesting(source.getBuffer());
  if (at == StringRef::npos)
    return true;
  StringRef before = source.getBuffer().take_front(at);
  llvm::errs() << source.getBufferIdentifier() << ":" << 1 + before.count('\n') << ":"
               << at - (before.rfind('\n') + 1) + 1 << ": error: this nests deeper than " << kDeepestNesting
               << " levels\nnote: brackets within each other count, and aliases within what they stand for, a million "
                  "of them at most\n";
  return false;
}
