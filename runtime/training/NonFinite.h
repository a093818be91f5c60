// Where the first NaN or infinity came from.
//
#pragma once

#include "runtime/program/Session.h"
#include <optional>
#include <string>

namespace nc {

/// The first non-finite element among the tensors of that kind, as "gradient 'w'[12]".
std::optional<std::string> findNonFinite(const Session &session, const nc_entry &entry, nc_kind kind);

/// Watches an entry and remembers the first kernel whose inputs were finite and an output not.
class NonFiniteFinder : public DispatchObserver {
public:
  void before(const KernelCall &call) override;
  void after(const KernelCall &call) override;

  /// As "nanochat.linear at model.mlir:12:8 (kernel 'gemm_16x8', call 12 of the entry, output 0,
  /// element 7)", if there was one.
  const std::optional<std::string> &culprit() const { return found; }

private:
  int64_t calls = 0;
  bool inputsAreFinite = true;
  std::optional<std::string> found;
};

/// Runs `entry` again on the inputs that are still in place and says which kernel is at fault, on this rank or another;
/// all ranks do so at once.
std::string blameKernel(Session &session, const nc_entry &entry);

} // namespace nc
