// Tensors of which each rank has its own rows.
//
#pragma once

#include "runtime/Abi.h"
#include <string>
#include <vector>

namespace nc {

inline bool isShare(const nc_tensor &tensor) { return tensor.rows > 0; }
/// Whether ranks have shares of some tensors, so that all entries are exchanges and all saves are of all ranks.
bool hasShares(const nc_program &program);
/// Fails (exit 2) where `command`, which is one process, lacks what other ranks have.
void refuseShares(const nc_program &program, const std::string &command);

/// Of the whole tensor, wherever its rows are.
std::vector<int64_t> wholeShapeOf(const nc_tensor &tensor);
int64_t wholeCount(const nc_tensor &tensor);
/// "[24, 64]"; of a share "[12 of 24, 64]".
std::string sharedShapeText(const nc_tensor &tensor);

/// Elements of the leading dimension's one row.
int64_t rowElements(const nc_tensor &tensor);

/// Which rows of the whole a rank has.
struct RowRange {
  int64_t first, end;
  int64_t count() const { return end - first; }
};
/// All of a tensor that is no share; a scalar is one row.
RowRange rowsOf(const nc_tensor &tensor, int rank);
/// Elements of these, which are the first of the rank's tensor.
int64_t ownCount(const nc_tensor &tensor, int rank);
/// The place in the whole of the rank's first element.
int64_t ownFirst(const nc_tensor &tensor, int rank);

} // namespace nc
