// SPDX-License-Identifier: Apache-2.0
#include "runtime/Batches.h"

#include "runtime/Errors.h"
#include "runtime/Philox.h"
#include "runtime/Program.h"

#include <algorithm>
#include <cstring>

namespace nc {

/// How many windows of `length` + 1 tokens a stream has.
static int64_t countPlaces(const TokenStream &stream, int64_t length, const char *what) {
  int64_t places = int64_t(stream.size()) - length;
  if (places <= 0)
    failInput(format("the %s data has %zu tokens, one row needs %lld", what, stream.size(),
                     static_cast<long long>(length + 1)),
              "give more text, or compile the model with a shorter sequence");
  return places;
}

static void copyWindow(const TokenStream &stream, int64_t start, int32_t *tokens, int64_t length) {
  std::copy_n(stream.begin() + start, length + 1, tokens);
}

RandomWindows::RandomWindows(const TokenStream &stream, uint64_t seed, int64_t length,
                             const char *what)
    : stream(stream), seed(seed), places(countPlaces(stream, length, what)) {}

int64_t RandomWindows::start(int64_t step, int64_t row) const {
  PhiloxBlock block = drawBlock(seed, uint32_t(step), streamId("data.window"), row);
  return below(word64(block, 0), places);
}

void RandomWindows::fill(int64_t step, int64_t row, int32_t *tokens, int64_t length) const {
  copyWindow(stream, start(step, row), tokens, length);
}

SpacedWindows::SpacedWindows(const TokenStream &stream, int64_t steps, int64_t rows, int64_t length,
                             const char *what)
    : stream(stream), steps(steps), rows(rows), places(countPlaces(stream, length, what)) {}

void SpacedWindows::fill(int64_t step, int64_t row, int32_t *tokens, int64_t length) const {
  int64_t last = std::max<int64_t>(steps * rows - 1, 1);
  copyWindow(stream, (step * rows + row) * (places - 1) / last, tokens, length);
}

CopyRows::CopyRows(uint64_t seed, int64_t vocab, const char *stream)
    : seed(seed), vocab(std::min<int64_t>(vocab, 256)), id(streamId(stream)) {}

void CopyRows::fill(int64_t step, int64_t row, int32_t *tokens, int64_t length) const {
  int64_t half = std::max<int64_t>(length / 2, 1);
  for (int64_t i = 0; i <= length; ++i) {
    if (i >= half) {
      tokens[i] = tokens[i - half];
      continue;
    }
    PhiloxBlock block = drawBlock(seed, uint32_t(step), id, row * half + i);
    tokens[i] = int32_t(below(word64(block, 0), vocab));
  }
}

BatchShape batchShape(const nc_program &program, const nc_entry &entry) {
  int64_t count = elementCount(getTensor(program, entry, NC_INPUT, "tokens"));
  int64_t length = sizeOr(program, "seq", 0);
  if (length <= 0 || count % length != 0)
    failRun(format("entry '%s' takes %lld tokens, which is no multiple of the size 'seq'",
                   entry.name, static_cast<long long>(count)));
  return {count / length, length};
}

BatchInput::BatchInput(Session &session, const nc_entry &entry)
    : batch(batchShape(session.program, entry)),
      tokens(static_cast<int32_t *>(
          session.data(getTensor(session.program, entry, NC_INPUT, "tokens")))),
      targets(nullptr), row(batch.length + 1) {
  if (const nc_tensor *tensor = findTensor(session.program, entry, NC_INPUT, "targets"))
    targets = static_cast<int32_t *>(session.data(*tensor));
}

void BatchInput::fill(const RowSource &source, int64_t step) {
  for (int64_t i = 0; i < batch.rows; ++i) {
    source.fill(step, i, row.data(), batch.length);
    memcpy(tokens + i * batch.length, row.data(), batch.length * sizeof(int32_t));
    if (targets)
      memcpy(targets + i * batch.length, row.data() + 1, batch.length * sizeof(int32_t));
  }
}

} // namespace nc
