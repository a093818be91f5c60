// Times kernel calls: where the time of training steps goes.
//
#pragma once

#include "runtime/program/Dispatch.h"
#include <chrono>
#include <map>
#include <string>

namespace nc {

class KernelProfile : public DispatchObserver {
public:
  bool readsBuffers() const override { return false; }
  void before(const KernelCall &) override { begin = Clock::now(); }
  void after(const KernelCall &call) override;

  /// Forgets what it saw: a first step that touches memory for the first time is like no other.
  void clear() { times.clear(); }

  /// A line per kernel, slowest first: its share of all kernels' time, time, calls, operations and
  /// bytes of its operands per second, what its products are of, name and the ops it computes.
  /// Those of less than a thousandth are one line.
  std::string table() const;
  /// All kernels, as a JSON array of objects with name, calls and seconds.
  std::string json() const;

private:
  using Clock = std::chrono::steady_clock;
  struct Time {
    double seconds = 0;
    int64_t calls = 0;
    const nc_kernel_info *kernel = nullptr;
    const char *source = "";
  };

  Clock::time_point begin;
  std::map<std::string, Time, std::less<>> times; // by kernel
};

} // namespace nc
