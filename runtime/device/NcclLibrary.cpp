#include "runtime/device/NcclLibrary.h"
#include "runtime/files/Errors.h"
#include <cstdlib>
#include <dlfcn.h>

namespace nc {

template <typename Function> bool NcclLibrary::find(Function &function, const char *name) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

static std::string textOf(int code) {
  // Up to 2.8 thousands were major versions.
  int unit = code < 10000 ? 1000 : 10000;
  return format("%d.%d.%d", code / unit, code % unit / 100, code % 100);
}

std::string NcclLibrary::load() {
  const char *named = getenv("NANOCHAT_NCCL"), *file = named && *named ? named : "libnccl.so.2";
  library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return format("there is no NCCL (%s)", file);
  int (*getVersion)(int *) = nullptr;
  if (!find(getVersion, "ncclGetVersion") || getVersion(&code) != kSuccess)
    return format("'%s' is not NCCL", file);
  std::string needs = textOf(kLeastVersion).substr(0, 4);
  if (code < kLeastVersion)
    return format("NCCL is %s, and needs to be %s or newer", version().c_str(), needs.c_str());
  bool isWhole = find(uniqueId, "ncclGetUniqueId") && find(begin, "ncclCommInitRankConfig") &&
                 find(abort, "ncclCommAbort") && find(asyncError, "ncclCommGetAsyncError") &&
                 find(groupStart, "ncclGroupStart") && find(groupEnd, "ncclGroupEnd") && find(send, "ncclSend") &&
                 find(receive, "ncclRecv") && find(errorString, "ncclGetErrorString") &&
                 find(lastError, "ncclGetLastError");
  return isWhole ? "" : format("'%s' lacks functions that NCCL %s has", file, needs.c_str());
}

std::string NcclLibrary::version() const { return code ? textOf(code) : ""; }

std::string NcclLibrary::describe(int error) const {
  const char *text = errorString(error), *last = lastError(nullptr);
  std::string all = format("%s (error %d)", text ? text : "unknown", error);
  return last && *last ? all + ": " + last : all;
}

} // namespace nc
