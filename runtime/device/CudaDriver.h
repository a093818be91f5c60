// The functions of the CUDA driver that programs use. It is found when a program starts and never
// linked, so that a program runs where there is none.
//
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace nc {

/// Every function returns 0 for success. A device is a number, device memory an address; contexts,
/// streams, events, modules, functions and graphs are opaque.
struct CudaDriver {
  using Address = unsigned long long;
  using Handle = void *;
  static constexpr int kNotReady = 600;                    // CUDA_ERROR_NOT_READY
  static constexpr unsigned kNonBlocking = 1, kNoTime = 2; // of streams; of events

  int (*init)(unsigned) = nullptr;
  int (*version)(int *) = nullptr;
  int (*errorString)(int, const char **) = nullptr;
  int (*deviceCount)(int *) = nullptr;
  int (*deviceName)(char *, int, int) = nullptr;
  int (*attribute)(int *, int, int) = nullptr;
  int (*memory)(size_t *, int) = nullptr;
  int (*uuid)(char[16], int) = nullptr; // that no other device has

  // Only what runs programs needs these; loadAll finds them.
  int (*retainContext)(Handle *, int) = nullptr;
  int (*setContext)(Handle) = nullptr;
  int (*releaseContext)(int) = nullptr;
  int (*createStream)(Handle *, unsigned) = nullptr;
  int (*createStreamOfPriority)(Handle *, unsigned, int) = nullptr; // lower numbers come first
  int (*destroyStream)(Handle) = nullptr;
  int (*synchronize)(Handle) = nullptr;
  int (*query)(Handle) = nullptr; // kNotReady while a stream has something to do
  int (*waitEvent)(Handle, Handle, unsigned) = nullptr;
  int (*createEvent)(Handle *, unsigned) = nullptr;
  int (*destroyEvent)(Handle) = nullptr;
  int (*recordEvent)(Handle, Handle) = nullptr;
  int (*elapsed)(float *, Handle, Handle) = nullptr;
  int (*memoryLeft)(size_t *, size_t *) = nullptr; // of the context's device, and all of it
  int (*allocate)(Address *, size_t) = nullptr;
  int (*release)(Address) = nullptr;
  int (*allocateHost)(void **, size_t, unsigned) = nullptr;
  int (*releaseHost)(void *) = nullptr;
  int (*clear)(Address, unsigned char, size_t, Handle) = nullptr;
  int (*copy)(Address, Address, size_t, Handle) = nullptr;
  int (*toDevice)(Address, const void *, size_t, Handle) = nullptr;
  int (*toHost)(void *, Address, size_t) = nullptr;
  int (*toHostLater)(void *, Address, size_t, Handle) = nullptr;
  int (*loadModule)(Handle *, const void *) = nullptr;
  int (*getFunction)(Handle *, Handle, const char *) = nullptr;
  int (*setFunctionAttribute)(Handle, int, int) = nullptr;
  int (*launch)(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle, void **,
                void **) = nullptr;
  int (*beginCapture)(Handle, int) = nullptr;
  int (*endCapture)(Handle, Handle *) = nullptr;
  int (*instantiate)(Handle *, Handle, unsigned long long) = nullptr;
  int (*launchGraph)(Handle, Handle) = nullptr;
  int (*destroyGraph)(Handle) = nullptr;
  int (*destroyInstance)(Handle) = nullptr;
  int (*captureInfo)(Handle, int *, unsigned long long *, Handle *, const Handle **, size_t *) = nullptr;
  struct NodeParameters { // CUDA_KERNEL_NODE_PARAMS
    Handle function;
    unsigned blocks[3], threads[3], sharedBytes;
    void **parameters, **extra;
  };
  int (*setNodeParameters)(Handle, Handle, const NodeParameters *) = nullptr;

  /// Finds what describes devices; false if there is no driver.
  bool load();
  /// Finds the rest; false if the driver is too old to have it.
  bool loadAll();

  /// "out of memory (error 2)".
  std::string describe(int error) const;

private:
  void *library = nullptr;
  template <typename Function> bool find(Function &function, const char *name);
};

/// The compute capability of a device: 90 for 9.0.
int computeCapability(const CudaDriver &driver, int device);
std::string deviceName(const CudaDriver &driver, int device);

} // namespace nc
