// Data of host functions, so that their code is the same whatever the sizes are.
#pragma once

#include "dialect/Nanochat.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::nanochat {

/// Trip counts, offsets and strides. Code that reads them must not see their values, so they are no constants.
class NumberTable {
public:
  /// The number, loaded at `b`.
  Value load(OpBuilder &b, Location loc, int64_t number);
  /// Adds the table to the module, once all numbers are known.
  void define(ModuleOp module);

private:
  SmallVector<int64_t> numbers;
};

/// What kernel calls are of, for messages of the program: "nanochat.linear at model.mlir:12:8".
class SourceTexts {
public:
  /// The address of the text that describes `loc`.
  Value text(OpBuilder &b, Location loc);
  void define(ModuleOp module);

private:
  llvm::MapVector<StringAttr, StringAttr> names; // of the global, by text
};

/// What ranks exchange: one nc_collective of runtime/Abi.h for each kind and size.
class CollectiveTable {
public:
  /// The address of that which `start` starts.
  Value address(OpBuilder &b, StartOp start);
  void define(ModuleOp module);

private:
  /// Kind, bytes of a piece and of all, members of a group and their stride.
  using Key = std::tuple<Collective, int64_t, int64_t, int64_t, int64_t>;
  llvm::MapVector<Key, std::string> names; // of the global, by what is in it
};

} // namespace mlir::nanochat
