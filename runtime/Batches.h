// What an entry is fed: rows of tokens and their successors, addressed by (step, row).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_BATCHES_H
#define NANOCHAT_RUNTIME_BATCHES_H

#include "runtime/Corpus.h"
#include "runtime/Session.h"

#include <memory>

namespace nc {

/// A pure function from (step, row) to a row, so a resumed run meets the data it would have met.
class RowSource {
public:
  virtual ~RowSource() = default;
  /// Writes `length` + 1 successive tokens at `row`.
  virtual void fill(int64_t step, int64_t row, int32_t *tokens, int64_t length) const = 0;
};

/// Windows at random places of a stream, which must outlive the source.
class RandomWindows : public RowSource {
public:
  /// Fails (exit 2) if the stream has no window of `length` + 1 tokens; `what` names the stream.
  RandomWindows(const TokenStream &stream, uint64_t seed, int64_t length, const char *what);
  void fill(int64_t step, int64_t row, int32_t *tokens, int64_t length) const override;

  /// Where the window of a row starts.
  int64_t start(int64_t step, int64_t row) const;

private:
  const TokenStream &stream;
  uint64_t seed;
  int64_t places;
};

/// Windows evenly spaced over a stream: `steps` × `rows` of them, the same for every evaluation.
class SpacedWindows : public RowSource {
public:
  SpacedWindows(const TokenStream &stream, int64_t steps, int64_t rows, int64_t length,
                const char *what);
  void fill(int64_t step, int64_t row, int32_t *tokens, int64_t length) const override;

private:
  const TokenStream &stream;
  int64_t steps, rows, places;
};

/// The copy task: a random string of half a row, then the same again. `stream` keeps training and
/// validation apart.
class CopyRows : public RowSource {
public:
  CopyRows(uint64_t seed, int64_t vocab, const char *stream);
  void fill(int64_t step, int64_t row, int32_t *tokens, int64_t length) const override;

private:
  uint64_t seed;
  int64_t vocab;
  uint32_t id;
};

/// Rows and row length of the "tokens" input of an entry.
struct BatchShape {
  int64_t rows, length;
};
BatchShape batchShape(const nc_program &program, const nc_entry &entry);

/// The inputs "tokens" and "targets" of an entry.
class BatchInput {
public:
  /// Fails (exit 1) if the entry has no "tokens".
  BatchInput(Session &session, const nc_entry &entry);

  BatchShape shape() const { return batch; }
  /// Writes the rows of a step.
  void fill(const RowSource &source, int64_t step);

private:
  BatchShape batch;
  int32_t *tokens, *targets; // targets may be null
  std::vector<int32_t> row;
};

} // namespace nc
#endif // NANOCHAT_RUNTIME_BATCHES_H
