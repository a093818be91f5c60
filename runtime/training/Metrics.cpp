#include "runtime/training/Metrics.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
#include "runtime/training/Batches.h"
#include <algorithm>
#include <cmath>

namespace nc {

void Metrics::add(const Session &session, const nc_entry &entry, bool isOfStep, int64_t ranks) {
  sumUp(session, entry);
  Ranks &others = session.ranks();
  // The loss of a step is that of all ranks: the first one's counts for it.
  if (const nc_tensor *loss = findTensor(session.program, entry, NC_OUTPUT, "loss");
      loss && (!isOfStep || others.isFirst())) {
    own[Loss] = session.read(*loss);
    own[Losses] = 1;
  }
  all.resize(own.size() * size_t(others.count()));
  others.gather(own.data(), all.data(), int64_t(own.size() * sizeof(double)));
  // Ranks that compute a batch together all have its outputs: the first of each group counts.
  int64_t together = isOfStep ? sizeOr(session.program, "tensor", 1) : 1;
  for (int64_t rank = 0; rank < (isOfStep ? others.count() : ranks); rank += together)
    for (size_t i = 0; i < own.size(); ++i)
      sums[i % sums.size()] += all[size_t(rank) * own.size() + i];
}

void Metrics::sumUp(const Session &session, const nc_entry &entry) {
  const nc_program &program = session.program;
  const nc_tensor *nll = findTensor(program, entry, NC_OUTPUT, "nll");
  const nc_tensor *targets = findTensor(program, entry, NC_INPUT, "targets");
  bool hasTokens = nll && targets && nll->rank > 0;
  // Several micro-batches are a dimension of their own, in front.
  int64_t microBatches = hasTokens && targets->rank > 1 ? targets->shape[0] : 1;
  int64_t stride = hasTokens ? elementCount(*targets) / microBatches : 0;
  int64_t tokens = hasTokens ? nll->shape[nll->rank - 1] : 0;
  int64_t loops = hasTokens ? elementCount(*nll) / (microBatches * tokens) : 0;
  const nc_tensor *exits = findTensor(program, entry, NC_OUTPUT, "exit_probability");
  if (hasTokens && (tokens > stride || microBatches * loops * tokens != elementCount(*nll) ||
                    (exits && elementCount(*exits) != elementCount(*nll))))
    failRun(format("entry '%s': the shapes of 'nll', 'exit_probability' and 'targets' disagree", entry.name));
  hasExits = hasTokens && exits;
  sums.resize(size_t(FirstLoop + loops));
  own.assign(sums.size() * size_t(microBatches), 0);
  for (int64_t batch = 0; batch < microBatches; ++batch)
    for (int64_t i = 0; i < tokens; ++i) {
      auto target = int32_t(session.read(*targets, batch * stride + i));
      addToken({session, *nll, exits, loops, tokens, batch, i}, vocabulary.bytesOf(target).size(),
               &own[size_t(batch) * sums.size()]);
    }
}

void Metrics::clear() { std::fill(sums.begin(), sums.end(), 0); }

void Metrics::addToken(const Token &token, size_t bytes, double *to) const {
  double last = token.nllOf(token.loops - 1);
  double expected = hasExits ? 0 : last;
  for (int64_t loop = 0; loop < token.loops; ++loop) {
    double nll = token.nllOf(loop);
    if (hasExits) {
      expected += token.exitOf(loop) * nll;
      to[Depth] += double(loop + 1) * token.exitOf(loop);
    }
    if (bytes)
      to[FirstLoop + loop] += nll;
  }
  ++to[Tokens];
  to[Nll] += expected;
  if (bytes) {
    to[Bytes] += double(bytes);
    to[ByteNats] += expected;
  }
  if (copyLength == 0)
    return;
  int64_t half = copyLength / 2, targetPlace = token.index % copyLength + 1;
  if (targetPlace >= half && targetPlace < 2 * half) {
    to[Copy] += expected;
    ++to[Copies];
  }
}

std::optional<double> Metrics::ratio(Sum sum, Sum count) const {
  if (total(count) == 0)
    return std::nullopt;
  return total(sum) / total(count);
}

std::optional<double> Metrics::loss() const { return total(Losses) ? ratio(Loss, Losses) : ratio(Nll, Tokens); }

std::optional<double> Metrics::bitsPerByte() const {
  std::optional<double> nats = ratio(ByteNats, Bytes);
  return nats ? std::optional(*nats / M_LN2) : std::nullopt;
}

std::vector<double> Metrics::loopBitsPerByte() const {
  std::vector<double> values;
  for (size_t loop = FirstLoop; loop < sums.size() && total(Bytes); ++loop)
    values.push_back(sums[loop] / M_LN2 / total(Bytes));
  return values;
}

std::optional<double> Metrics::exitDepth() const { return hasExits ? ratio(Depth, Tokens) : std::nullopt; }

std::optional<double> Metrics::copyNll() const { return ratio(Copy, Copies); }

void appendScalarOutputs(const Session &session, const nc_entry &entry, std::vector<NamedValue> &values) {
  for (const nc_tensor *output : tensorsOf(session.program, entry, NC_OUTPUT)) {
    std::string_view name = output->name;
    bool isKnown =
        std::any_of(values.begin(), values.end(), [&](const NamedValue &value) { return name == value.name; });
    if (output->rank == 0 && !isKnown)
      values.push_back({output->name, session.read(*output), output->dtype == NC_F64 ? 17 : 9});
  }
}

Metrics evaluate(Session &session, const RowSource &source, int64_t batches, Metrics metrics) {
  const nc_entry &entry = getEntry(session.program, "eval");
  BatchInput input(session, entry);
  session.fillScalars(entry, 0, 0);
  Ranks &ranks = session.ranks();
  // Dealt to the ranks in turn; in the last round some may have none. Where the entry exchanges shares they run it all
  // the same, and are not counted.
  bool isOfAll = hasShares(session.program);
  for (int64_t first = 0; first < batches; first += ranks.count()) {
    int64_t batch = first + ranks.rank(), left = batches - first;
    if (batch < batches || isOfAll) {
      input.fill(source, std::min(batch, batches - 1) * input.shape().rows);
      session.run(entry);
    }
    metrics.addBatches(session, entry, std::min<int64_t>(left, ranks.count()));
  }
  return metrics;
}

void appendEvaluation(JsonLine &line, const Metrics &metrics) {
  line.add("val_loss", metrics.loss());
  line.add("val_bpb", metrics.bitsPerByte());
  line.add("val_bpb_loop", metrics.loopBitsPerByte());
  line.add("val_exit_depth", metrics.exitDepth());
  line.add("val_copy_nll", metrics.copyNll());
}

} // namespace nc
