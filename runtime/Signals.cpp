// SPDX-License-Identifier: Apache-2.0
#include "runtime/Signals.h"

#include <csignal>
#include <initializer_list>

namespace nc {

static volatile std::sig_atomic_t stopRequested = 0, saveRequested = 0, readerLost = 0;

static void handle(int signal, void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags | SA_RESTART;
  sigaction(signal, &action, nullptr);
}

/// As nohup leaves it.
static bool isIgnored(int signal) {
  struct sigaction action;
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void listenForSignals() {
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGXCPU})
    if (signal != SIGHUP || !isIgnored(signal))
      handle(signal, [](int) { stopRequested = 1; }, SA_RESETHAND);
  handle(SIGUSR1, [](int) { saveRequested = 1; }, 0);
  auto loseReader = [](int) {
    if (!readerLost)
      saveRequested = 1;
    readerLost = 1;
  };
  handle(SIGPIPE, loseReader, 0);
  // A write beyond the limit fails instead.
  handle(SIGXFSZ, SIG_IGN, 0);
}

bool isReaderLost() { return readerLost; }

bool isStopRequested() { return stopRequested; }

bool takeSaveRequest() {
  bool isRequested = saveRequested;
  saveRequested = 0;
  return isRequested;
}

} // namespace nc
