#include "runtime/training/Metrics.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Program.h"
#include "runtime/training/Batches.h"
#include <algorithm>
#include <cmath>

namespace nc {

static std::optional<double> ratio(double sum, int64_t count) {
  if (count == 0)
    return std::nullopt;
  return sum / count;
}

void Metrics::add(const Session &session, const nc_entry &entry) {
  const nc_program &program = session.program;
  ++sums.batches;
  if (const nc_tensor *loss = findTensor(program, entry, NC_OUTPUT, "loss")) {
    sums.loss += session.read(*loss);
    ++sums.batchesWithLoss;
  }
  const nc_tensor *nll = findTensor(program, entry, NC_OUTPUT, "nll");
  const nc_tensor *targets = findTensor(program, entry, NC_INPUT, "targets");
  if (!nll || !targets || nll->rank == 0)
    return;
  auto bytesOf = [&](double id) { return vocabulary.bytesOf(int32_t(id)).size(); };
  // Several micro-batches are a dimension of their own, in front.
  int64_t microBatches = targets->rank > 1 ? targets->shape[0] : 1;
  int64_t stride = elementCount(*targets) / microBatches;
  Token token{session, *nll, findTensor(program, entry, NC_OUTPUT, "exit_probability"), 1, 0, 0, 0};
  token.tokens = nll->shape[nll->rank - 1];
  token.loops = elementCount(*nll) / (microBatches * token.tokens);
  if (token.tokens > stride || microBatches * token.loops * token.tokens != elementCount(*nll) ||
      (token.exits && elementCount(*token.exits) != elementCount(*nll)))
    failRun(format("entry '%s': the shapes of 'nll', 'exit_probability' and 'targets' disagree", entry.name));
  loopNats.resize(token.loops);
  sums.hasExits = token.exits != nullptr;
  for (; token.batch < microBatches; ++token.batch)
    for (token.index = 0; token.index < token.tokens; ++token.index)
      addToken(token, bytesOf(session.read(*targets, token.batch * stride + token.index)));
}

void Metrics::clear() {
  sums = {};
  std::fill(loopNats.begin(), loopNats.end(), 0);
}

void Metrics::addToken(const Token &token, size_t bytes) {
  double last = token.nllOf(token.loops - 1);
  double expected = sums.hasExits ? 0 : last;
  for (int64_t loop = 0; loop < token.loops; ++loop) {
    double nll = token.nllOf(loop);
    if (sums.hasExits) {
      expected += token.exitOf(loop) * nll;
      sums.depth += (loop + 1) * token.exitOf(loop);
    }
    if (bytes)
      loopNats[loop] += nll;
  }
  ++sums.tokens;
  sums.nll += expected;
  if (bytes) {
    sums.bytes += bytes;
    sums.byteNats += expected;
  }
  if (copyLength == 0)
    return;
  int64_t half = copyLength / 2, targetPlace = token.index % copyLength + 1;
  if (targetPlace >= half && targetPlace < 2 * half) {
    sums.copy += expected;
    ++sums.copies;
  }
}

std::optional<double> Metrics::loss() const {
  return sums.batchesWithLoss ? ratio(sums.loss, sums.batchesWithLoss) : ratio(sums.nll, sums.tokens);
}

std::optional<double> Metrics::bitsPerByte() const { return ratio(sums.byteNats / M_LN2, sums.bytes); }

std::vector<double> Metrics::loopBitsPerByte() const {
  std::vector<double> values;
  for (double nats : loopNats)
    if (sums.bytes)
      values.push_back(nats / M_LN2 / sums.bytes);
  return values;
}

std::optional<double> Metrics::exitDepth() const {
  return sums.hasExits ? ratio(sums.depth, sums.tokens) : std::nullopt;
}

std::optional<double> Metrics::copyNll() const { return ratio(sums.copy, sums.copies); }

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
  for (int64_t batch = 0; batch < batches; ++batch) {
    input.fill(source, batch * input.shape().rows);
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
