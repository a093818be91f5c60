#include "lib/Replay/RecordedCodes.h"
#include "lib/Replay/Walk.h"
#include <set>

using namespace mlir;
using namespace mlir::nanochat;

static bool isBytes(Type type, int64_t rank) {
  return getElementTypeOrSelf(type).isInteger(8) && cast<ShapedType>(type).getRank() == rank;
}

RecordedCodes::RecordedCodes(func::FuncOp reference, double flippedAtMost) : flippedAtMost(flippedAtMost) {
  reference.walk([&](DispatchOp call) {
    hasPanels |= llvm::any_of(call.getResultTypes(), [](Type type) { return isBytes(type, 4); });
  });
  ProgramOp program = getProgram(reference->getParentOfType<ModuleOp>());
  if (auto batch = program.getSizes().getAs<IntegerAttr>("batch"); batch && program.getKeptRows())
    rowsShape = {batch.getInt(), int64_t(program.getKeptRows())};
}

bool RecordedCodes::isRows(Type type) const {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getElementType().isInteger(32) && !rowsShape.empty() && tensor.getShape() == ArrayRef(rowsShape);
}

bool RecordedCodes::isCode(Type type) const {
  return isBytes(type, 2) || (hasPanels && isBytes(type, 4)) || isRows(type);
}

/// Rows, which rise, of a matrix of bytes; null if it has not the columns of `type`, or not these rows.
static Tensor takeRows(const HostTensor &full, const HostTensor &rows, RankedTensorType type) {
  if (full.type().getRank() != 2 || type.getRank() != 2 || full.type().getDimSize(1) != type.getDimSize(1) ||
      full.type().getElementType() != type.getElementType() || rows.size() != type.getDimSize(0) ||
      rows.get(rows.size() - 1) >= full.type().getDimSize(0))
    return nullptr;
  auto taken = std::make_shared<HostTensor>(type);
  int64_t bytes = taken->byteSize() / rows.size();
  for (int64_t i = 0; i < rows.size(); ++i)
    std::copy_n(full.data() + int64_t(rows.get(i)) * bytes, bytes, taken->data() + i * bytes);
  return taken;
}

/// The matrix (k, n) of codes that a quantiser wrote as panels (n/16, k/4, 16, 4), from 0 on where `bias` is 128; null
/// if they are none of `type`.
static Tensor unpack(const HostTensor &panels, RankedTensorType type, char bias) {
  auto shape = panels.type().getShape();
  if (type.getRank() != 2 || type.getElementType() != panels.type().getElementType() ||
      shape[0] != int64_t(llvm::divideCeil(type.getDimSize(1), shape[2])) ||
      shape[1] != int64_t(llvm::divideCeil(type.getDimSize(0), shape[3])))
    return nullptr;
  auto matrix = std::make_shared<HostTensor>(type);
  int64_t columns = type.getDimSize(1);
  for (int64_t i = 0; i < matrix->size(); ++i) {
    int64_t k = i / columns, n = i % columns;
    int64_t place = (n / shape[2] * shape[1] + k / shape[3]) * shape[2] + n % shape[2];
    matrix->data()[i] = panels.data()[place * shape[3] + k % shape[3]] ^ bias;
  }
  return matrix;
}

Tensor RecordedCodes::find(ArrayRef<Tensor> list, ArrayRef<Tensor> with, const HostTensor &tensor) const {
  for (auto [known, other] : llvm::zip(list, with)) {
    if (known->type() == tensor.type() && known->sameBytes(tensor))
      return other;
    for (const Tensor &kept : rows)
      if (Tensor part = takeRows(*known, *kept, tensor.type()); part && part->sameBytes(tensor))
        return takeRows(*other, *kept, tensor.type());
  }
  return nullptr;
}

LogicalResult RecordedCodes::read(const Record &record, func::FuncOp entry) {
  auto args = record.readArguments(entry);
  if (failed(args))
    return failure();
  int64_t number = 0;
  // Walked, because what was recorded decides how often some loops run.
  return walkEntry(entry, *args, [&](DispatchOp call, ArrayRef<Tensor>) -> FailureOr<SmallVector<Tensor>> {
    auto file = record.openCall(number++, *call.getKernel());
    if (failed(file))
      return failure();
    auto written = file->read(call.getResultTypes(), [](unsigned i) { return "out" + std::to_string(i); });
    if (failed(written))
      return failure();
    for (const Tensor &tensor : *written) {
      if (isRows(tensor->type()))
        rows.push_back(tensor);
      if (!hasPanels && isBytes(tensor->type(), 4))
        panels.push_back(tensor);
      if (isCode(tensor->type()) && !find(results, results, *tensor))
        results.push_back(tensor);
    }
    return written;
  });
}

int64_t RecordedCodes::countDifferent(const HostTensor &computed, const HostTensor &recorded) const {
  int64_t different = 0;
  std::set<double> rows;
  for (int64_t i = 0; isRows(recorded.type()) && i < recorded.size(); ++i)
    rows.insert(recorded.get(i));
  for (int64_t i = 0; i < computed.size(); ++i)
    different += rows.empty() ? recorded.get(i) != computed.get(i) : !rows.count(computed.get(i));
  return different;
}

FailureOr<Tensor> RecordedCodes::replace(DispatchOp call, const HostTensor &computed) {
  if (Tensor again = find(replaced, replacements, computed))
    return again;
  differ = true;
  size_t number = replaced.size(), place = results.size();
  Tensor nearest;
  int64_t different = 0;
  auto consider = [&](Tensor recorded, size_t i) {
    int64_t own = countDifferent(computed, *recorded);
    if (!nearest || own < different)
      std::tie(nearest, different, place) = std::tuple(recorded, own, i);
  };
  for (auto [i, recorded] : llvm::enumerate(results))
    if (!taken.contains(i) && recorded->type() == computed.type())
      consider(recorded, i);
  for (const Tensor &panel : panels)
    for (char bias : {char(0), char(128)})
      if (Tensor matrix = unpack(*panel, computed.type(), bias))
        consider(matrix, results.size());
  if (!nearest)
    return call.emitError("discrete result ") << number << " of the reference has no recorded counterpart of its shape";
  if (different > std::max(1.0, flippedAtMost * computed.size()))
    return call.emitError("discrete result ") << number << " of the reference differs from the nearest recorded one in "
                                              << different << " of " << computed.size() << " codes";
  differ = false;
  if (place < results.size())
    taken.insert(place);
  replaced.push_back(std::make_shared<HostTensor>(computed.copy()));
  replacements.push_back(nearest);
  codes += computed.size();
  flipped += different;
  return nearest;
}

LogicalResult RecordedCodes::finish(func::FuncOp entry) {
  if (taken.size() == results.size())
    return success();
  differ = true;
  return entry.emitError("the reference has ") << taken.size() << " discrete results, recorded were " << results.size();
}
