// Rows of tokens in the order a run meets them. A row is a pure function of its number, so a
// resumed run meets what it would have met, on any number of threads.
//
#pragma once

#include "runtime/data/TokenValues.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nc {

class RowSource {
public:
  virtual ~RowSource() = default;
  /// Writes row number `index` of `length` + 1 successive tokens. Fails as TokenBlock::copy does.
  virtual void fill(int64_t index, int32_t *tokens, int64_t length) const = 0;
  /// Writes what a reference model's loss is at tokens 1 … `length` of row number `index`; only of rows that have such.
  virtual void fillReference(int64_t index, float *losses, int64_t length) const;
};

/// All windows of a stream, shuffled anew in each epoch, each once per epoch. Windows of an epoch
/// begin at an offset of its own, so that texts are not always cut at the same places.
class ShuffledWindows : public RowSource {
public:
  /// Fails (exit 2) if the stream has no window of `length` + 1 tokens; `what` names the stream. The
  /// `source`s of one run have orders of their own.
  ShuffledWindows(TokenStream stream, uint64_t seed, int64_t length, const std::string &what, size_t source = 0,
                  std::optional<TokenValues> reference = std::nullopt);
  void fill(int64_t index, int32_t *tokens, int64_t length) const override;
  void fillReference(int64_t index, float *losses, int64_t length) const override;

  /// Where the window of a row starts.
  int64_t start(int64_t index) const;
  int64_t rowsPerEpoch() const { return count; }

private:
  TokenStream stream;
  uint64_t seed;
  int64_t length, count;
  uint32_t orderId, offsetId; // streams of the draws
  std::optional<TokenValues> reference;
};

/// Windows one behind the other, so that every token but the first is a target; the last one ends where the stream
/// does.
class ConsecutiveWindows : public RowSource {
public:
  /// Fails (exit 2) as ShuffledWindows does.
  ConsecutiveWindows(TokenStream stream, int64_t length, const std::string &what);
  /// Rows past the last are the last.
  void fill(int64_t index, int32_t *tokens, int64_t length) const override;
  int64_t start(int64_t index) const { return std::min(index * length, stream.size() - length - 1); }
  int64_t count() const { return (stream.size() - 2) / length + 1; }

private:
  TokenStream stream;
  int64_t length;
};

/// Windows evenly spaced over a stream, `count` of them, the same for every evaluation.
class SpacedWindows : public RowSource {
public:
  /// Fails (exit 2) as ShuffledWindows does.
  SpacedWindows(TokenStream stream, int64_t count, int64_t length, const std::string &what);
  void fill(int64_t index, int32_t *tokens, int64_t length) const override;

private:
  TokenStream stream;
  int64_t count, places;
};

/// The copy task: a random string of half a row, then the same again. `stream` keeps training and
/// validation apart. Its reference is what can be known: nothing of the first half, all of the second.
class CopyRows : public RowSource {
public:
  CopyRows(uint64_t seed, int64_t vocab, const char *stream);
  void fill(int64_t index, int32_t *tokens, int64_t length) const override;
  void fillReference(int64_t index, float *losses, int64_t length) const override;

private:
  uint64_t seed;
  int64_t vocab;
  uint32_t id;
};

/// Several sources in given shares, exact over every kPeriod rows.
class MixedRows : public RowSource {
public:
  static constexpr int64_t kPeriod = 10000;

  struct Part {
    std::unique_ptr<RowSource> rows;
    double weight; // any positive number
  };
  MixedRows(std::vector<Part> parts, uint64_t seed);

  /// Where the rows of each of some weights end among kPeriod. Fails (exit 2) if their sum is
  /// infinite.
  static std::vector<int64_t> shareOut(const std::vector<double> &weights);

  void fill(int64_t index, int32_t *tokens, int64_t length) const override;
  void fillReference(int64_t index, float *losses, int64_t length) const override;

  /// The source of a row and the row's number there.
  std::pair<size_t, int64_t> locate(int64_t index) const;

private:
  std::vector<Part> parts;
  std::vector<int64_t> ends; // of the sources' slots, as shareOut has them
  uint64_t seed;
};

} // namespace nc
