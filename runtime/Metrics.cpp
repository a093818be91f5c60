// SPDX-License-Identifier: Apache-2.0
#include "runtime/Metrics.h"

#include "runtime/Batches.h"
#include "runtime/Errors.h"
#include "runtime/Program.h"

#include <cmath>

namespace nc {

static std::optional<double> ratio(double sum, int64_t count) {
  if (count == 0)
    return std::nullopt;
  return sum / count;
}

void Metrics::add(const Session &session, const nc_entry &entry) {
  const nc_program &program = session.program;
  ++batches;
  if (const nc_tensor *loss = findTensor(program, entry, NC_OUTPUT, "loss")) {
    lossSum += session.read(*loss);
    ++batchesWithLoss;
  }
  const nc_tensor *nll = findTensor(program, entry, NC_OUTPUT, "nll");
  const nc_tensor *targets = findTensor(program, entry, NC_INPUT, "targets");
  if (!nll || !targets || nll->rank == 0)
    return;
  // Several micro-batches are a dimension of their own, in front.
  int64_t microBatches = targets->rank > 1 ? targets->shape[0] : 1;
  int64_t stride = elementCount(*targets) / microBatches;
  Token token{session, *nll, findTensor(program, entry, NC_OUTPUT, "exit_probability"), 1, 0, 0, 0};
  token.tokens = nll->shape[nll->rank - 1];
  token.loops = elementCount(*nll) / (microBatches * token.tokens);
  if (token.tokens > stride ||
      microBatches * token.loops * token.tokens != elementCount(*nll) ||
      (token.exits && elementCount(*token.exits) != elementCount(*nll)))
    failRun(format("entry '%s': the shapes of 'nll', 'exit_probability' and 'targets' disagree",
                   entry.name));
  loopNats.resize(token.loops);
  hasExits = token.exits != nullptr;
  for (; token.batch < microBatches; ++token.batch)
    for (token.index = 0; token.index < token.tokens; ++token.index)
      addToken(token, session.read(*targets, token.batch * stride + token.index) < beginToken);
}

void Metrics::addToken(const Token &token, bool isByte) {
  double last = token.nllOf(token.loops - 1);
  double expected = hasExits ? 0 : last;
  for (int64_t loop = 0; loop < token.loops; ++loop) {
    double nll = token.nllOf(loop);
    if (hasExits) {
      expected += token.exitOf(loop) * nll;
      depthSum += (loop + 1) * token.exitOf(loop);
    }
    if (isByte)
      loopNats[loop] += nll;
  }
  ++tokens;
  nllSum += expected;
  if (isByte) {
    ++bytes;
    byteNats += expected;
  }
  if (copyLength == 0)
    return;
  int64_t half = copyLength / 2, targetPlace = token.index % copyLength + 1;
  if (targetPlace >= half && targetPlace < 2 * half) {
    copySum += expected;
    ++copies;
  }
}

std::optional<double> Metrics::loss() const {
  return batchesWithLoss ? ratio(lossSum, batchesWithLoss) : ratio(nllSum, tokens);
}

std::optional<double> Metrics::bitsPerByte() const { return ratio(byteNats / M_LN2, bytes); }

std::vector<double> Metrics::loopBitsPerByte() const {
  std::vector<double> values;
  for (double nats : loopNats)
    if (bytes)
      values.push_back(nats / M_LN2 / bytes);
  return values;
}

std::optional<double> Metrics::exitDepth() const {
  return hasExits ? ratio(depthSum, tokens) : std::nullopt;
}

std::optional<double> Metrics::copyNll() const { return ratio(copySum, copies); }

std::vector<NamedValue> scalarOutputs(const Session &session, const nc_entry &entry) {
  std::vector<NamedValue> values;
  for (const nc_tensor *output : tensorsOf(session.program, entry, NC_OUTPUT))
    if (output->rank == 0)
      values.push_back({output->name, session.read(*output), output->dtype == NC_F64 ? 17 : 9});
  return values;
}

Metrics evaluate(Session &session, const RowSource &source, int64_t batches, int64_t copyLength) {
  const nc_entry &entry = getEntry(session.program, "eval");
  Metrics metrics(copyLength);
  session.fillScalars(entry, 0, 0);
  for (int64_t batch = 0; batch < batches; ++batch) {
    fillBatch(session, entry, source, batch);
    session.run(entry);
    metrics.add(session, entry);
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
