#include "runtime/comm/Launch.h"
#include "runtime/comm/RankPlace.h"
#include "runtime/comm/Socket.h"
#include "runtime/files/Errors.h"
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace nc {

std::vector<std::string> argumentsWithout(const std::string &option) {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string all((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::string> arguments;
  for (size_t at = 0; at < all.size();) {
    std::string argument = all.c_str() + at;
    at += argument.size() + 1;
    if (argument == option)
      at += strlen(all.c_str() + std::min(at, all.size())) + 1;
    else if (argument.rfind(option + "=", 0) != 0)
      arguments.push_back(argument);
  }
  return arguments;
}

static volatile sig_atomic_t asked = 0, isToSave = 0; // a signal that asks for a stop; one for a checkpoint
static void onSignal(int number) { (number == SIGUSR1 ? isToSave : asked) = number; }
static constexpr int kForwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGXCPU, SIGUSR1};

static pid_t startRank(int rank, int ranks, const Socket &listener, const std::vector<std::string> &arguments) {
  std::vector<char *> argv;
  for (const std::string &argument : arguments)
    argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t parent = getpid(), child = fork();
  if (child != 0)
    return child;
  for (int number : kForwarded)
    if (signal(number, SIG_DFL) == SIG_IGN || number == SIGUSR1) // until it listens, there is nothing to save
      signal(number, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(1);
  for (auto &[name, value] : {std::pair("RANK", rank), std::pair("WORLD_SIZE", ranks), std::pair("LOCAL_RANK", rank),
                              std::pair("MASTER_PORT", listener.port())})
    setenv(name, std::to_string(value).c_str(), 1);
  setenv("MASTER_ADDR", "127.0.0.1", 1);
  if (rank == 0 && fcntl(listener.fd(), F_SETFD, 0) == 0) // open beyond exec
    setenv(kListener, std::to_string(listener.fd()).c_str(), 1);
  execv("/proc/self/exe", argv.data());
  fprintf(stderr, "error: cannot start rank %d: %s\n", rank, strerror(errno));
  _exit(1);
}

/// What a rank ended with, as a shell tells it.
static int codeOf(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

int runRanks(int ranks, const std::vector<std::string> &arguments, double grace) {
  struct sigaction action = {};
  action.sa_handler = onSignal;
  for (int number : kForwarded) {
    struct sigaction before = {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) // as nohup has it
      sigaction(number, &action, nullptr);
  }
  signal(SIGCHLD, SIG_DFL);            // or nobody is told how children end
  Socket listener = Socket::listen(0); // rank 0's: nobody else takes the port
  std::vector<pid_t> children;
  for (int rank = 0; rank < ranks; ++rank) {
    pid_t child = startRank(rank, ranks, listener, arguments);
    if (child < 0)
      failRun(format("cannot start rank %d: %s", rank, strerror(errno)));
    children.push_back(child);
  }
  listener = Socket(); // who comes after rank 0 has ended is told so
  auto toAll = [&](int signal) {
    for (pid_t child : children)
      if (child > 0)
        kill(child, signal);
  };
  int code = 0, left = ranks;
  bool isAsked = false, isKilled = false;    // to stop; by this process
  Deadline end = Deadline::max(), ask = end; // of all ranks; when those that are left are asked to stop
  while (left > 0) {
    if (int signal = asked; signal) {
      asked = 0;
      toAll(signal);
      if (isAsked) // again
        end = std::min(end, after(5));
      isAsked = true;
    }
    if (isToSave) {
      isToSave = 0;
      toAll(SIGUSR1);
    }
    int status = 0;
    pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended < 0 && errno == ECHILD)
      return code ? code : 1; // nobody is left to say
    if (ended <= 0) {
      if (std::chrono::steady_clock::now() > ask) { // who still loads data hears of nobody
        toAll(SIGTERM);
        ask = Deadline::max();
      }
      if (std::chrono::steady_clock::now() > end) {
        toAll(SIGKILL);
        isKilled = true;
        end = Deadline::max();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    int rank = int(std::find(children.begin(), children.end(), ended) - children.begin());
    if (rank == ranks)
      continue;
    children[size_t(rank)] = 0;
    --left;
    // Who was killed is the cause, also where another's end, which follows from that, is seen before.
    bool isCause = WIFSIGNALED(status) && !isKilled && code < 128;
    if (int own = codeOf(status); own && (!code || isCause)) {
      code = own;
      end = after(grace);
      ask = isAsked ? Deadline::max() : after(1);
      if (WIFSIGNALED(status))
        fprintf(stderr, "error: rank %d was ended by signal %d (%s)\n", rank, WTERMSIG(status),
                strsignal(WTERMSIG(status)));
    }
  }
  return code;
}

} // namespace nc
