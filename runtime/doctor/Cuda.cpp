// What the CUDA driver says of itself and its devices, and NCCL.
//
#include "runtime/device/CudaDriver.h"
#include "runtime/device/NcclLibrary.h"
#include "runtime/doctor/Finding.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Arenas.h"

namespace nc {

static std::string describeDevice(const CudaDriver &driver, int device) {
  size_t bytes = 0;
  driver.memory(&bytes, device);
  int capability = computeCapability(driver, device);
  return format("%s (compute capability %d.%d, %s)", deviceName(driver, device).c_str(), capability / 10,
                capability % 10, bytesText(int64_t(bytes)).c_str());
}

Finding examineCuda() {
  CudaDriver driver;
  int version = 0, count = 0;
  if (!driver.load())
    return {"cuda", false, "", "no libcuda.so.1: only programs for NVIDIA GPUs need it"};
  driver.version(&version);
  std::string value = format("driver for CUDA %d.%d", version / 1000, version % 1000 / 10);
  if (int error = driver.init(0))
    return {"cuda", false, value, format("the driver does not start (error %d): see nvidia-smi", error)};
  driver.deviceCount(&count);
  for (int device = 0; device < count; ++device)
    value += (device ? ", " : ": ") + describeDevice(driver, device);
  return {"cuda", count > 0, value, count > 0 ? "what programs for NVIDIA GPUs run on" : "the driver finds no GPU"};
}

Finding examineNccl() {
  NcclLibrary library;
  std::string missing = library.load(), version = library.version();
  const char *needed = "only programs of several ranks on NVIDIA GPUs use it, which else exchange through the host";
  if (missing.empty())
    return {"nccl", true, version, "programs of several ranks exchange through it between NVIDIA GPUs"};
  return {"nccl", false, version, missing + ": " + needed};
}

} // namespace nc
