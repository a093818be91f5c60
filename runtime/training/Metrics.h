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

/// Sums over the tokens of one or more batches of all ranks. Absent where the entry lacks the outputs.
///
/// Every micro-batch has sums of its own. The ranks exchange these, and all add them in the order of the micro-batches,
/// so that the numbers are the same bits for any number of ranks.
class Metrics {
public:
  /// Bytes are counted as `vocabulary` says. `copyLength` is the row length of the copy task, 0 for
  /// other data.
  explicit Metrics(Vocabulary vocabulary, int64_t copyLength = 0)
      : vocabulary(std::move(vocabulary)), copyLength(copyLength) {}

  /// Adds the step whose gradients all ranks just formed by `entry`; its "loss" is that of all. Allocates nothing but
  /// the first time.
  void addStep(const Session &session, const nc_entry &entry) { add(session, entry, /*isOfStep=*/true, 1); }
  /// Adds the batches that the first `count` ranks just ran `entry` on, one each.
  void addBatches(const Session &session, const nc_entry &entry, int64_t count) {
    add(session, entry, /*isOfStep=*/false, count);
  }
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
  /// What is added up, in doubles, which hold counts exactly; then the nll of each loop over targets with bytes.
  enum Sum { Losses, Loss, Tokens, Bytes, Copies, Nll, ByteNats, Depth, Copy, FirstLoop };

  void add(const Session &session, const nc_entry &entry, bool isOfStep, int64_t ranks);
  /// The sums of each micro-batch of this rank, one behind the other, to `own`.
  void sumUp(const Session &session, const nc_entry &entry);
  void addToken(const Token &token, size_t bytes, double *to) const;
  double total(Sum sum) const { return sums.empty() ? 0 : sums[size_t(sum)]; }
  std::optional<double> ratio(Sum sum, Sum count) const;

  Vocabulary vocabulary;
  int64_t copyLength;
  bool hasExits = false;
  std::vector<double> sums, own, all; // in total, of this rank's micro-batches, of those of all ranks
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
