#include "runtime/program/Shares.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Program.h"
#include <algorithm>

namespace nc {

bool hasShares(const nc_program &program) {
  return std::any_of(program.tensors, program.tensors + program.n_tensors, isShare);
}

void refuseShares(const nc_program &program, const std::string &command) {
  int64_t ranks = sizeOr(program, "ranks", 1);
  if (ranks > 1 && hasShares(program))
    failInput(format("the program is for %lld ranks, each of which has a share of the parameters: '%s' is one process",
                     wide(ranks), command.c_str()),
              "compile the model without --shard: that program reads the same model files and checkpoints");
}

std::vector<int64_t> wholeShapeOf(const nc_tensor &tensor) {
  std::vector<int64_t> shape = shapeOf(tensor);
  if (isShare(tensor))
    shape[0] = tensor.rows;
  return shape;
}

int64_t wholeCount(const nc_tensor &tensor) {
  return isShare(tensor) ? tensor.rows * rowElements(tensor) : elementCount(tensor);
}

std::string sharedShapeText(const nc_tensor &tensor) {
  std::string text = shapeText(shapeOf(tensor));
  if (isShare(tensor))
    text.insert(text.find_first_of(",]"), format(" of %lld", wide(tensor.rows)));
  return text;
}

int64_t rowElements(const nc_tensor &tensor) {
  int64_t count = 1;
  for (int32_t i = 1; i < tensor.rank; ++i)
    count *= tensor.shape[i];
  return count;
}

RowRange rowsOf(const nc_tensor &tensor, int rank) {
  int64_t here = tensor.rank ? tensor.shape[0] : 1;
  if (!isShare(tensor))
    return {0, here};
  return {std::min(tensor.rows, rank * here), std::min(tensor.rows, (rank + 1) * here)};
}

int64_t ownCount(const nc_tensor &tensor, int rank) { return rowsOf(tensor, rank).count() * rowElements(tensor); }

int64_t ownFirst(const nc_tensor &tensor, int rank) { return rowsOf(tensor, rank).first * rowElements(tensor); }

} // namespace nc
