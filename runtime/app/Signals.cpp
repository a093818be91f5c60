#include "runtime/app/Signals.h"
#include <csignal>
#include <ctime>
#include <initializer_list>

namespace nc {

static volatile std::sig_atomic_t stopRequested = 0, saveRequested = 0, readerLost = 0;

/// Wrappers such as timeout send a signal to a process and then to its group: that is one request.
constexpr long kOneRequest = 500; // milliseconds
static volatile long stopRequestedAt = 0;

static void requestStop(int signal) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long milliseconds = now.tv_sec * 1000 + now.tv_nsec / 1000000;
  if (!stopRequested) {
    stopRequestedAt = milliseconds;
    stopRequested = 1;
  } else if (milliseconds - stopRequestedAt > kOneRequest) {
    std::signal(signal, SIG_DFL);
    raise(signal);
  }
}

static void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
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
      handle(signal, requestStop);
  handle(SIGUSR1, [](int) { saveRequested = 1; });
  auto loseReader = [](int) {
    if (!readerLost)
      saveRequested = 1;
    readerLost = 1;
  };
  handle(SIGPIPE, loseReader);
}

bool isReaderLost() { return readerLost; }

bool isStopRequested() { return stopRequested; }

bool takeSaveRequest() {
  bool isRequested = saveRequested;
  saveRequested = 0;
  return isRequested;
}

} // namespace nc
