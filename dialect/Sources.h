// What locations of ops say they were made of: ops of the model, by name and place.
#pragma once

#include "mlir/IR/Location.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace mlir::nanochat {

/// "nanochat.linear at model.mlir:12:8" for every place in `loc`, each once.
SmallVector<std::string> sourcesOf(Location loc);

/// Is any of it an output head, or its gradient?
bool isOfHead(Location loc);

} // namespace mlir::nanochat
