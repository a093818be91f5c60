#include "dialect/Sources.h"
#include "dialect/Nanochat.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Calls fn(op, place) for all places in `loc`, `op` being the name of the op there or "".
static void forEachSource(Location loc, StringRef op, llvm::function_ref<void(StringRef, FileLineColLoc)> fn) {
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      forEachSource(part, op, fn);
  } else if (auto named = dyn_cast<NameLoc>(loc)) {
    forEachSource(named.getChildLoc(), named.getName(), fn);
  } else if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    fn(op, file);
  }
}

SmallVector<std::string> mlir::nanochat::sourcesOf(Location loc) {
  SmallVector<std::string> sources;
  forEachSource(loc, "", [&](StringRef op, FileLineColLoc file) {
    std::string source = op.empty() ? "" : op.str() + " at ";
    llvm::raw_string_ostream(source) << file.getFilename().getValue() << ":" << file.getLine() << ":"
                                     << file.getColumn();
    if (!llvm::is_contained(sources, source))
      sources.push_back(source);
  });
  return sources;
}

bool mlir::nanochat::isOfHead(Location loc) {
  bool isHead = false;
  forEachSource(loc, "", [&](StringRef op, FileLineColLoc) {
    auto known = RegisteredOperationName::lookup(op, loc.getContext());
    isHead |= known && (known->hasInterface<HeadOpInterface>() || known->hasTrait<FormsGradientEarlyOp>());
  });
  return isHead;
}
