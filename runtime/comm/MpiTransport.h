// Collectives over the MPI of the site, whose functions no two MPIs have alike: a shim in C, which the site's mpicc
// compiles, stands between.
#pragma once

#include "runtime/comm/Transport.h"
#include <atomic>

namespace nc {

/// The shim's source, for `mpicc -shared -fPIC -O2 -o libnanochat_mpi.so`.
extern const char *const kMpiShim;

class MpiTransport : public Transport {
public:
  /// Loads the shim: the file that NANOCHAT_MPI names, else libnanochat_mpi.so beside the program or where the system
  /// looks. Fails (exit 2) where there is none, telling how to make it, and where MPI numbers the ranks otherwise than
  /// their launcher did.
  explicit MpiTransport(const Mesh &mesh);
  ~MpiTransport() override;
  MpiTransport(const MpiTransport &) = delete;

  void start(Collective kind, const Group &group, const void *from, void *to, Pieces pieces, int lane) override;
  void finish(int lane) override;
  /// MPI cannot be interrupted: who aborts ends the process where it goes on waiting. It is not told of the end either,
  /// as it would wait for others then.
  void abort(const std::string &) override { isAborted = true; }
  /// Of which MPI knows none.
  void setTimeout(double) override {}
  int64_t sentBytes() const override { return sent; }
  std::string name() const override { return "MPI"; }

private:
  template <typename Function> void find(Function &function, const char *name);
  void check(int error, const char *what) const;

  const Mesh &mesh;
  void *library = nullptr;
  int (*begin)(int *rank, int *ranks) = nullptr;
  int (*send)(const void *from, long long bytes, int other, int lane) = nullptr;
  int (*receive)(void *to, long long bytes, int other, int lane) = nullptr;
  int (*wait)(int lane) = nullptr;
  int (*end)(void) = nullptr;
  void (*describe)(int error, char *text, int size) = nullptr;
  int64_t sent = 0;
  std::atomic<bool> isAborted{false};
  bool isTaken[kLanes] = {};
};

} // namespace nc
