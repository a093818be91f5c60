// What fuzz targets share: bytes as a file, and errors, which are the expected outcome.
//
#pragma once

#include "runtime/files/Errors.h"

#include <cstdint>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace nc::fuzz {

/// Runs `read` on the path of a file with these bytes; an nc::Error is fine, anything else is not.
template <typename Read> int onFile(const uint8_t *data, size_t size, Read read) {
  int file = memfd_create("fuzz", 0);
  for (size_t done = 0; done < size;)
    done += write(file, data + done, size - done);
  try {
    read("/proc/self/fd/" + std::to_string(file));
  } catch (const Error &) {
  }
  close(file);
  return 0;
}

} // namespace nc::fuzz
