#include "runtime/training/NonFinite.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"

namespace nc {

std::optional<std::string> findNonFinite(const Session &session, const nc_entry &entry, nc_kind kind) {
  int rank = session.ranks().rank();
  for (const nc_tensor *tensor : tensorsOf(session.program, entry, kind)) {
    int64_t place = firstNonFinite(tensor->dtype, session.data(*tensor), ownCount(*tensor, rank));
    if (place >= 0)
      return format("%s '%s'[%lld]", kindName(kind), tensor->name, wide(ownFirst(*tensor, rank) + place));
  }
  return std::nullopt;
}

void NonFiniteFinder::before(const KernelCall &call) {
  ++calls;
  inputsAreFinite = true;
  if (found)
    return;
  // Outputs are not looked at: before the call they may hold anything.
  for (int32_t i = 0; i < call.kernel.n_operands; ++i) {
    const nc_operand &operand = call.kernel.operands[i];
    if (!operand.is_output && firstNonFinite(operand.dtype, call.buffers[i], elementCount(operand)) >= 0)
      inputsAreFinite = false;
  }
}

void NonFiniteFinder::after(const KernelCall &call) {
  if (found || !inputsAreFinite)
    return;
  int output = 0;
  for (int32_t i = 0; i < call.kernel.n_operands; ++i) {
    const nc_operand &operand = call.kernel.operands[i];
    if (!operand.is_output)
      continue;
    int64_t place = firstNonFinite(operand.dtype, call.buffers[i], elementCount(operand));
    if (place >= 0) {
      found = format("%s (kernel '%s', call %lld of the entry, output %d, element %lld)", call.source, call.kernel.name,
                     wide(calls), output, wide(place));
      return;
    }
    ++output;
  }
}

std::string blameKernel(Session &session, const nc_entry &entry) {
  std::string before;
  for (nc_kind kind : {NC_PARAM, NC_SCALES, NC_INPUT})
    if (auto tensor = findNonFinite(session, entry, kind); tensor && before.empty())
      before = *tensor + " was not finite before the step";
  if (std::string known = session.ranks().firstToSay(before); !known.empty())
    return known;
  NonFiniteFinder finder;
  session.run(entry, &finder);
  std::string culprit = finder.culprit() ? "it first appeared in " + *finder.culprit() : "";
  if (std::string known = session.ranks().firstToSay(culprit); !known.empty())
    return known;
  return "no kernel turned finite inputs into it when the step was repeated";
}

} // namespace nc
