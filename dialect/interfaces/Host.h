// What stages that work on the host part of an entry offer its ops (HostOpInterface).
#pragma once

#include "mlir/IR/Operation.h"

namespace mlir::nanochat {

class DispatchOp;
class ExchangeDoneOp;
class ExchangeStartOp;
class JoinOp;
class LoopOp;

/// Where values live, while that is decided.
class HostPlaces {
public:
  virtual ~HostPlaces() = default;
  /// `result` lives where `source` does.
  virtual void show(Value result, Value source) = 0;
  /// Result i of `op` is computed where it is wanted, or over operand `inplace[i]` if that is not -1, or in a place of
  /// its own.
  virtual void write(Operation *op, ArrayRef<int64_t> inplace) = 0;
  virtual void iterate(LoopOp loop) = 0;
  virtual void join(JoinOp join) = 0;
};

/// The host function that is made of an entry.
class HostCode {
public:
  virtual ~HostCode() = default;
  /// Has `kernel` run on the places of the operands and results of `op`.
  virtual void launch(Operation *op, FlatSymbolRefAttr kernel) = 0;
  virtual void iterate(LoopOp loop) = 0;
  virtual void start(ExchangeStartOp exchange) = 0;
  virtual void finish(ExchangeDoneOp exchange) = 0;
};

/// A replay of an entry on tensors that nothing overwrites.
class HostReplay {
public:
  virtual ~HostReplay() = default;
  /// `result` has the elements of `source`.
  virtual void show(Value result, Value source) = 0;
  virtual LogicalResult call(DispatchOp dispatch) = 0;
  virtual LogicalResult iterate(LoopOp loop) = 0;
  virtual void join(JoinOp join) = 0;
};

} // namespace mlir::nanochat
