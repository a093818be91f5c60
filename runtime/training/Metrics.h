// From the outputs of an entry to the numbers people read.
//
#pragma once

#include "runtime/data/Vocabulary.h"
#include "runtime/program/Session.h"
#include "runtime/report/JsonLine.h"
#include <optional>
#include <vector>

namespace nc {

class RowSource;

/// Sums over the tokens of one or more batches. Absent where the entry lacks the outputs.
class Metrics {
public:
  /// Bytes are counted as `vocabulary` says. `copyLength` is the row length of the copy task, 0 for
  /// other data.
  explicit Metrics(Vocabulary vocabulary, int64_t copyLength = 0)
      : vocabulary(std::move(vocabulary)), copyLength(copyLength) {}

  /// Adds the batch that `entry` just ran on.
  void add(const Session &session, const nc_entry &entry);
  /// As if nothing had been added; keeps its memory.
  void clear();

  /// Mean of the output "loss" over batches, else the mean negative log-likelihood.
  std::optional<double> loss() const;
  /// Over targets that stand for bytes, per byte: the nll expected under the exit probabilities,
  /// else that of the last loop, divided by ln 2. Absent if the vocabulary is unknown.
  std::optional<double> bitsPerByte() const;
  /// The same for each loop alone; empty without "nll".
  std::vector<double> loopBitsPerByte() const;
  /// Mean of Σ_t t·p_t, t from 1.
  std::optional<double> exitDepth() const;
  /// Mean expected nll over targets in the second half of a row of the copy task.
  std::optional<double> copyNll() const;

private:
  /// One token of one micro-batch; outputs are [micro-batches, loops, tokens].
  struct Token {
    const Session &session;
    const nc_tensor &nll;
    const nc_tensor *exits;
    int64_t loops, tokens, batch, index;
    int64_t placeOf(int64_t loop) const { return (batch * loops + loop) * tokens + index; }
    double nllOf(int64_t loop) const { return session.read(nll, placeOf(loop)); }
    double exitOf(int64_t loop) const { return session.read(*exits, placeOf(loop)); }
  };
  void addToken(const Token &token, size_t bytes);

  struct Sums {
    int64_t batches = 0, batchesWithLoss = 0, tokens = 0, bytes = 0, copies = 0;
    bool hasExits = false;
    double loss = 0, nll = 0, byteNats = 0, depth = 0, copy = 0;
  };
  Vocabulary vocabulary;
  int64_t copyLength;
  Sums sums;
  std::vector<double> loopNats;
};

/// A rank-0 output and the digits that tell any two values of its dtype apart.
struct NamedValue {
  const char *name;
  double value;
  int digits;
};

/// Appends the rank-0 outputs of an entry whose names `values` does not have yet.
void appendScalarOutputs(const Session &session, const nc_entry &entry, std::vector<NamedValue> &values);

/// Runs "eval" on `batches` batches, the first rows of `source`, and adds them to `metrics`.
Metrics evaluate(Session &session, const RowSource &source, int64_t batches, Metrics metrics);

/// Appends val_loss, val_bpb, val_bpb_loop, val_exit_depth and val_copy_nll, as far as known.
void appendEvaluation(JsonLine &line, const Metrics &metrics);

} // namespace nc
