#include "runtime/program/NumberWriter.h"
#include "runtime/program/Program.h"
#include <cmath>
#include <string_view>

namespace nc {

const nc_tensor *scalesOf(const nc_program &program, const nc_tensor &parameter) {
  if (parameter.kind == NC_PARAM && parameter.dtype == NC_I8)
    for (const nc_tensor *scales : tensorsOf(program, NC_SCALES))
      if (std::string_view(scales->name) == parameter.name)
        return scales;
  return nullptr;
}

int64_t rowLength(const nc_tensor &tensor) { return tensor.rank ? tensor.shape[tensor.rank - 1] : 1; }

NumberWriter::NumberWriter(Session &session, const nc_tensor &tensor, int64_t first)
    : session(session), tensor(tensor), scales(scalesOf(session.program, tensor)), next(first) {}

void NumberWriter::put(double number) {
  if (!scales)
    return session.write(tensor, number, next++);
  row.push_back(float(number));
  if (int64_t(row.size()) == rowLength(tensor))
    writeRow();
}

void NumberWriter::writeRow() {
  float most = 0;
  for (float number : row)
    most = std::fmax(most, std::fabs(number));
  float inverse = most > 127 * 0x1p-127f ? 127 / most : 0; // as rows are scaled in kernels
  session.write(*scales, most * float(1.0 / 127), next / int64_t(row.size()));
  for (float number : row)
    session.write(tensor, std::nearbyint(number * inverse), next++);
  row.clear();
}

} // namespace nc
