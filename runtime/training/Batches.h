// The inputs of an entry that come from data.
//
#pragma once

#include "runtime/data/Rows.h"
#include "runtime/program/Session.h"

namespace nc {

/// Rows and row length of the "tokens" input of an entry.
struct BatchShape {
  int64_t rows, length;
};
BatchShape batchShape(const nc_program &program, const nc_entry &entry);

/// The inputs "tokens", "targets" and "reference" of an entry.
class BatchInput {
public:
  /// Fails (exit 1) if the entry has no "tokens".
  BatchInput(Session &session, const nc_entry &entry);

  BatchShape shape() const { return batch; }
  /// Writes as many rows as the batch has, from number `first` on.
  void fill(const RowSource &source, int64_t first);

private:
  BatchShape batch;
  int32_t *tokens, *targets;  // targets may be null
  const nc_tensor *reference; // may be null
  Session &session;
  std::vector<int32_t> row;
  std::vector<float> losses;
};

} // namespace nc
