// Parameters and states as numbers, whatever a program stores them in.
#pragma once

#include "runtime/program/Session.h"

namespace nc {

/// The scales of a parameter of codes; null for one of numbers.
const nc_tensor *scalesOf(const nc_program &program, const nc_tensor &parameter);

/// How many elements share a scale: those of a row, 1 where there is none.
int64_t rowLength(const nc_tensor &tensor);

/// Writes elements of a tensor in order.
class NumberWriter {
public:
  /// From element `first` on, which begins a row.
  NumberWriter(Session &session, const nc_tensor &tensor, int64_t first = 0);

  /// Rounds the next number to what the tensor holds. Codes are those of `quantize_blocks` (int8); a row of them is
  /// written with its last number.
  void put(double number);

private:
  void writeRow();

  Session &session;
  const nc_tensor &tensor;
  const nc_tensor *scales;
  int64_t next;
  std::vector<float> row; // that is not full yet
};

} // namespace nc
