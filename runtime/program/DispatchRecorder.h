// Records kernel calls as files, so that another implementation can be held to the same numbers.
//
#pragma once

#include "runtime/program/Session.h"
#include <string>
#include <vector>

namespace nc {

/// Writes FOLDER/000123.<kernel>.safetensors for call 123 (from 0, over all entries observed):
/// in0 … as before the call (so also what an aliasing output overwrites), out0 … as after it,
/// metadata "kernel" and "source". Around each entry, <entry>.before.safetensors and
/// <entry>.after.safetensors hold the tensors bound to it, as "parameter <name>", "input <name>"
/// and so on; metadata "model", "target", "ir_hash" and "calls", how many were recorded up to
/// there.
class DispatchRecorder : public DispatchObserver {
public:
  /// Makes the folder; fails (exit 2) if it cannot.
  DispatchRecorder(const Session &session, const std::string &folder);

  void enter(const nc_entry &entry) override { writeTensors(entry, "before"); }
  void leave(const nc_entry &entry) override { writeTensors(entry, "after"); }
  void before(const KernelCall &call) override;
  void after(const KernelCall &call) override;

  int64_t count() const { return calls; }

private:
  void writeTensors(const nc_entry &entry, const char *when) const;

  const Session &session;
  std::string folder;
  int64_t calls = 0;
  std::vector<std::vector<char>> inputs;
};

} // namespace nc
