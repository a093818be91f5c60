// A stand-in for NVIDIA's driver with one device, for the test of `doctor`.
//
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <string.h>

int cuInit(unsigned flags) { return (int)flags; }

int cuDriverGetVersion(int *version) {
  *version = 12040;
  return 0;
}

int cuDeviceGetCount(int *count) {
  *count = 1;
  return 0;
}

int cuDeviceGetName(char *name, int size, int device) {
  if (device != 0)
    return 101;
  strncpy(name, "Fake GPU", (size_t)size);
  return 0;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? 9 : attribute == 76 ? 1 : -1;
  return device;
}

int cuDeviceTotalMem_v2(size_t *bytes, int device) {
  *bytes = (size_t)80 << 30;
  return device;
}
