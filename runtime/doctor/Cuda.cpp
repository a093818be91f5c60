// The CUDA driver through the few functions needed to describe it; it is never linked.
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/Arenas.h"
#include "runtime/Errors.h"
#include "runtime/doctor/Finding.h"

#include <dlfcn.h>

namespace nc {

namespace {

/// Attributes of cuDeviceGetAttribute.
constexpr int computeCapabilityMajor = 75, computeCapabilityMinor = 76;

/// Every function returns 0 for success. A device is a number.
struct Driver {
  int (*init)(unsigned) = nullptr;
  int (*version)(int *) = nullptr;
  int (*deviceCount)(int *) = nullptr;
  int (*deviceName)(char *, int, int) = nullptr;
  int (*attribute)(int *, int, int) = nullptr;
  int (*memory)(size_t *, int) = nullptr;

  /// Whether the library is there and has them all.
  bool load() {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
      return false;
    auto find = [&](auto &function, const char *name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
      return function != nullptr;
    };
    return find(init, "cuInit") && find(version, "cuDriverGetVersion") &&
           find(deviceCount, "cuDeviceGetCount") && find(deviceName, "cuDeviceGetName") &&
           find(attribute, "cuDeviceGetAttribute") && find(memory, "cuDeviceTotalMem_v2");
  }
};

} // namespace

static std::string describeDevice(const Driver &driver, int device) {
  char name[256] = "unknown device";
  int major = 0, minor = 0;
  size_t bytes = 0;
  driver.deviceName(name, sizeof(name), device);
  driver.attribute(&major, computeCapabilityMajor, device);
  driver.attribute(&minor, computeCapabilityMinor, device);
  driver.memory(&bytes, device);
  return format("%s (compute capability %d.%d, %s)", name, major, minor,
                bytesText(int64_t(bytes)).c_str());
}

Finding examineCuda() {
  Driver driver;
  int version = 0, count = 0;
  if (!driver.load())
    return {"cuda", false, "", "no libcuda.so.1: only programs for NVIDIA GPUs need it"};
  driver.version(&version);
  std::string value = format("driver for CUDA %d.%d", version / 1000, version % 1000 / 10);
  if (int error = driver.init(0))
    return {"cuda", false, value,
            format("the driver does not start (error %d): see nvidia-smi", error)};
  driver.deviceCount(&count);
  for (int device = 0; device < count; ++device)
    value += (device ? ", " : ": ") + describeDevice(driver, device);
  return {"cuda", count > 0, value,
          count > 0 ? "what programs for NVIDIA GPUs run on" : "the driver finds no GPU"};
}

} // namespace nc
