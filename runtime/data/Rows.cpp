#include "runtime/data/Rows.h"
#include "runtime/data/Permutation.h"
#include "runtime/files/Errors.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace nc {

static const char *wayOut(const TokenStream &stream, const std::string &what) {
  if (what == "validation")
    return "'train' takes validation data of its own with --val, and none with --eval-every 0";
  if (stream.size() == 0)
    return "token files with a part 'val' in their names are for validation";
  return "give more text, or compile the model with a shorter sequence";
}

static void checkLength(const TokenStream &stream, int64_t length, const std::string &what) {
  if (stream.size() <= length)
    failInput(
        format("the %s data has %lld tokens, one row needs %lld", what.c_str(), wide(stream.size()), wide(length + 1)),
        wayOut(stream, what));
}

void RowSource::fillReference(int64_t, float *, int64_t) const {
  failRun("these rows have no losses of a reference model");
}

ShuffledWindows::ShuffledWindows(TokenStream tokens, uint64_t seed, int64_t length, const std::string &what,
                                 size_t source, std::optional<TokenValues> reference)
    : stream(std::move(tokens)), seed(seed), length(length), reference(std::move(reference)) {
  std::string own = source ? "." + std::to_string(source) : "";
  orderId = streamId("data.order" + own);
  offsetId = streamId("data.offset" + own);
  checkLength(stream, length, what);
  // One window less than fit, where there are several, leaves room for any offset.
  count = std::max<int64_t>((stream.size() - length) / length, 1);
}

int64_t ShuffledWindows::start(int64_t index) const {
  int64_t epoch = index / count;
  uint64_t room = std::min(length, stream.size() - count * length);
  PhiloxBlock block = drawBlock(seed, uint32_t(epoch), offsetId, epoch >> 32);
  Permutation order(count, seed, orderId, epoch);
  return int64_t(below(word64(block, 0), room)) + int64_t(order(index % count)) * length;
}

void ShuffledWindows::fill(int64_t index, int32_t *tokens, int64_t length) const {
  stream.copy(start(index), length + 1, tokens);
}

void ShuffledWindows::fillReference(int64_t index, float *losses, int64_t length) const {
  if (!reference)
    return RowSource::fillReference(index, losses, length);
  reference->copy(start(index) + 1, length, losses);
}

ConsecutiveWindows::ConsecutiveWindows(TokenStream tokens, int64_t length, const std::string &what)
    : stream(std::move(tokens)), length(length) {
  checkLength(stream, length, what);
}

void ConsecutiveWindows::fill(int64_t index, int32_t *tokens, int64_t length) const {
  stream.copy(start(index), length + 1, tokens);
}

SpacedWindows::SpacedWindows(TokenStream tokens, int64_t count, int64_t length, const std::string &what)
    : stream(std::move(tokens)), count(count), places(stream.size() - length) {
  checkLength(stream, length, what);
}

void SpacedWindows::fill(int64_t index, int32_t *tokens, int64_t length) const {
  int64_t last = std::max<int64_t>(count - 1, 1);
  stream.copy(index * (places - 1) / last, length + 1, tokens);
}

CopyRows::CopyRows(uint64_t seed, int64_t vocab, const char *stream)
    : seed(seed), vocab(std::min<int64_t>(vocab, 256)), id(streamId(stream)) {}

void CopyRows::fill(int64_t index, int32_t *tokens, int64_t length) const {
  int64_t half = std::max<int64_t>(length / 2, 1);
  for (int64_t i = 0; i <= length; ++i) {
    if (i >= half) {
      tokens[i] = tokens[i - half];
      continue;
    }
    PhiloxBlock block = drawBlock(seed, uint32_t(index), id, (index >> 32) << 32 | i);
    tokens[i] = int32_t(below(word64(block, 0), vocab));
  }
}

void CopyRows::fillReference(int64_t, float *losses, int64_t length) const {
  int64_t half = std::max<int64_t>(length / 2, 1);
  for (int64_t i = 1; i <= length; ++i)
    losses[i - 1] = i < half ? std::log(float(vocab)) : 0;
}

std::vector<int64_t> MixedRows::shareOut(const std::vector<double> &weights) {
  double total = std::accumulate(weights.begin(), weights.end(), 0.0), sum = 0;
  if (!std::isfinite(total))
    failInput("the weights of a mix are too large to add", "their ratios are all that counts");
  std::vector<int64_t> ends;
  for (double weight : weights)
    ends.push_back(std::llround((sum += weight) / total * kPeriod));
  return ends;
}

MixedRows::MixedRows(std::vector<Part> sources, uint64_t seed) : parts(std::move(sources)), seed(seed) {
  std::vector<double> weights;
  for (const Part &part : parts)
    weights.push_back(part.weight);
  ends = shareOut(weights);
}

std::pair<size_t, int64_t> MixedRows::locate(int64_t index) const {
  int64_t period = index / kPeriod;
  auto slot = int64_t(Permutation(kPeriod, seed, streamId("data.mix"), period)(index % kPeriod));
  size_t source = std::upper_bound(ends.begin(), ends.end(), slot) - ends.begin();
  int64_t begin = source ? ends[source - 1] : 0;
  return {source, period * (ends[source] - begin) + slot - begin};
}

void MixedRows::fill(int64_t index, int32_t *tokens, int64_t length) const {
  auto [source, row] = locate(index);
  parts[source].rows->fill(row, tokens, length);
}

void MixedRows::fillReference(int64_t index, float *losses, int64_t length) const {
  auto [source, row] = locate(index);
  parts[source].rows->fillReference(row, losses, length);
}

} // namespace nc
