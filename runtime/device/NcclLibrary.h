// The functions of NCCL that ranks on GPUs use. It is found when ranks meet and never linked, so that a program runs
// where there is none.
//
#pragma once

#include <climits>
#include <cstddef>
#include <string>

namespace nc {

/// Functions return kSuccess, or kInProgress where they go on by themselves; all else are errors.
struct NcclLibrary {
  using Handle = void *;                                          // of a communicator, or a stream
  static constexpr int kSuccess = 0, kInProgress = 7, kBytes = 1; // ncclSuccess, ncclInProgress, ncclUint8

  struct Id { // by which ranks find each other
    char bytes[128];
  };
  struct Config { // ncclConfig_t as of 2.18, which later ones take
    size_t size = sizeof(Config);
    unsigned magic = 0xcafebeef, version = kLeastVersion;
    int blocking = INT_MIN, clusterSize = INT_MIN, leastBlocks = INT_MIN, mostBlocks = INT_MIN; // INT_MIN: as it likes
    const char *network = nullptr;
    int splitShare = INT_MIN, none = INT_MIN; // the last has a meaning in later ones
  };

  int (*uniqueId)(Id *) = nullptr;
  int (*begin)(Handle *, int ranks, Id, int rank, Config *) = nullptr;
  int (*abort)(Handle) = nullptr;
  int (*asyncError)(Handle, int *) = nullptr;
  int (*groupStart)() = nullptr;
  int (*groupEnd)() = nullptr;
  int (*send)(const void *, size_t count, int type, int rank, Handle, Handle stream) = nullptr;
  int (*receive)(void *, size_t count, int type, int rank, Handle, Handle stream) = nullptr;
  const char *(*errorString)(int) = nullptr;
  const char *(*lastError)(Handle) = nullptr;

  /// Finds it: the file that NANOCHAT_NCCL names, else where the system looks. Returns what is missing, as a sentence;
  /// "" if nothing.
  std::string load();
  /// Of what was found: "2.28.9"; "" of nothing.
  std::string version() const;
  /// "unhandled system error (error 2): what it said last".
  std::string describe(int error) const;

private:
  static constexpr int kLeastVersion = 21800;
  void *library = nullptr;
  int code = 0; // of its version
  template <typename Function> bool find(Function &function, const char *name);
};

} // namespace nc
