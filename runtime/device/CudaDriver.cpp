#include "runtime/device/CudaDriver.h"
#include "runtime/files/Errors.h"
#include <dlfcn.h>

namespace nc {

template <typename Function> bool CudaDriver::find(Function &function, const char *name) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

bool CudaDriver::load() {
  library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  return library && find(init, "cuInit") && find(errorString, "cuGetErrorString") &&
         find(version, "cuDriverGetVersion") && find(deviceCount, "cuDeviceGetCount") &&
         find(deviceName, "cuDeviceGetName") && find(attribute, "cuDeviceGetAttribute") &&
         find(memory, "cuDeviceTotalMem_v2");
}

bool CudaDriver::loadAll() {
  return find(retainContext, "cuDevicePrimaryCtxRetain") && find(setContext, "cuCtxSetCurrent") &&
         find(releaseContext, "cuDevicePrimaryCtxRelease_v2") && find(createStream, "cuStreamCreate") &&
         find(createStreamOfPriority, "cuStreamCreateWithPriority") && find(destroyStream, "cuStreamDestroy_v2") &&
         find(query, "cuStreamQuery") && find(waitEvent, "cuStreamWaitEvent") &&
         find(destroyEvent, "cuEventDestroy_v2") && find(copy, "cuMemcpyDtoDAsync_v2") &&
         find(uuid, "cuDeviceGetUuid_v2") && find(synchronize, "cuStreamSynchronize") &&
         find(createEvent, "cuEventCreate") && find(recordEvent, "cuEventRecord") &&
         find(elapsed, "cuEventElapsedTime") && find(memoryLeft, "cuMemGetInfo_v2") &&
         find(allocate, "cuMemAlloc_v2") && find(release, "cuMemFree_v2") && find(allocateHost, "cuMemHostAlloc") &&
         find(releaseHost, "cuMemFreeHost") && find(toHostLater, "cuMemcpyDtoHAsync_v2") &&
         find(clear, "cuMemsetD8Async") && find(toDevice, "cuMemcpyHtoDAsync_v2") && find(toHost, "cuMemcpyDtoH_v2") &&
         find(loadModule, "cuModuleLoadData") && find(getFunction, "cuModuleGetFunction") &&
         find(setFunctionAttribute, "cuFuncSetAttribute") && find(launch, "cuLaunchKernel") &&
         find(beginCapture, "cuStreamBeginCapture_v2") && find(endCapture, "cuStreamEndCapture") &&
         find(instantiate, "cuGraphInstantiateWithFlags") && find(launchGraph, "cuGraphLaunch") &&
         find(destroyGraph, "cuGraphDestroy") && find(destroyInstance, "cuGraphExecDestroy") &&
         find(captureInfo, "cuStreamGetCaptureInfo_v2") && find(setNodeParameters, "cuGraphExecKernelNodeSetParams");
}

std::string CudaDriver::describe(int error) const {
  const char *text = nullptr;
  if (!errorString || errorString(error, &text) || !text)
    return format("error %d", error);
  return format("%s (error %d)", text, error);
}

int computeCapability(const CudaDriver &driver, int device) {
  constexpr int kMajor = 75, kMinor = 76; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*
  int major = 0, minor = 0;
  driver.attribute(&major, kMajor, device);
  driver.attribute(&minor, kMinor, device);
  return 10 * major + minor;
}

std::string deviceName(const CudaDriver &driver, int device) {
  char name[256] = "unknown device";
  driver.deviceName(name, sizeof(name), device);
  return name;
}

} // namespace nc
