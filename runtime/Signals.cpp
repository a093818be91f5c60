// SPDX-License-Identifier: Apache-2.0
#include "runtime/Signals.h"

#include <csignal>

namespace nc {

static volatile std::sig_atomic_t stopRequested = 0, saveRequested = 0;

void listenForSignals() {
  struct sigaction stop = {}, save = {};
  stop.sa_handler = [](int) { stopRequested = 1; };
  stop.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &stop, nullptr);
  sigaction(SIGTERM, &stop, nullptr);
  save.sa_handler = [](int) { saveRequested = 1; };
  save.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &save, nullptr);
}

bool isStopRequested() { return stopRequested; }

bool takeSaveRequest() {
  bool isRequested = saveRequested;
  saveRequested = 0;
  return isRequested;
}

} // namespace nc
