#include "runtime/training/Batches.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Program.h"
#include <cstring>

namespace nc {

BatchShape batchShape(const nc_program &program, const nc_entry &entry) {
  int64_t count = elementCount(getTensor(program, entry, NC_INPUT, "tokens"));
  int64_t length = sizeOr(program, "seq", 0);
  if (length <= 0 || count % length != 0)
    failRun(format("entry '%s' takes %lld tokens, which is no multiple of the size 'seq'", entry.name, wide(count)));
  return {count / length, length};
}

BatchInput::BatchInput(Session &session, const nc_entry &entry)
    : batch(batchShape(session.program, entry)),
      tokens(static_cast<int32_t *>(session.mutableData(getTensor(session.program, entry, NC_INPUT, "tokens")))),
      targets(nullptr), reference(findTensor(session.program, entry, NC_INPUT, kReference)), session(session),
      row(batch.length + 1), losses(reference ? batch.length : 0) {
  if (const nc_tensor *tensor = findTensor(session.program, entry, NC_INPUT, "targets"))
    targets = static_cast<int32_t *>(session.mutableData(*tensor));
}

void BatchInput::fill(const RowSource &source, int64_t first) {
  for (int64_t i = 0; i < batch.rows; ++i) {
    source.fill(first + i, row.data(), batch.length);
    memcpy(tokens + i * batch.length, row.data(), batch.length * sizeof(int32_t));
    if (targets)
      memcpy(targets + i * batch.length, row.data() + 1, batch.length * sizeof(int32_t));
    if (!reference)
      continue;
    source.fillReference(first + i, losses.data(), batch.length);
    for (int64_t n = 0; n < batch.length; ++n)
      session.write(*reference, double(losses[n]), i * batch.length + n);
  }
}

} // namespace nc
