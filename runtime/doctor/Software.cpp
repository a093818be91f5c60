#include "runtime/doctor/Finding.h"
#include <cstdlib>
#include <dlfcn.h>
#include <regex>
#include <sstream>
#include <unistd.h>

namespace nc {

namespace {

struct Software {
  const char *name;
  std::vector<const char *> files; // programs on PATH or shared libraries; the first found counts
  const char *gives, *costs;       // what it means to have it, and not to
};

} // namespace

/// The path of a program, or nothing.
static std::string findProgram(const std::string &name) {
  const char *path = getenv("PATH");
  // Where NVIDIA's own installer puts ptxas, without touching PATH.
  std::istringstream folders(std::string(path ? path : "") + ":/usr/local/cuda/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string candidate = folder + "/" + name;
    if (!folder.empty() && access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return "";
}

/// The first version number in what `program --version` prints, or nothing.
static std::string versionOf(const std::string &program) {
  std::string quoted = std::regex_replace(program, std::regex("'"), "'\\''");
  FILE *pipe = popen(("'" + quoted + "' --version 2>/dev/null </dev/null").c_str(), "r");
  if (!pipe)
    return "";
  std::string output(4096, '\0');
  output.resize(fread(output.data(), 1, output.size(), pipe));
  pclose(pipe);
  std::smatch version;
  return std::regex_search(output, version, std::regex("[0-9]+(\\.[0-9]+)+")) ? version.str() : "";
}

static Finding examineProgram(const Software &software) {
  for (const char *file : software.files) {
    std::string path = findProgram(file);
    if (path.empty())
      continue;
    std::string version = versionOf(path);
    return {software.name, true, path + (version.empty() ? "" : " " + version), software.gives};
  }
  return {software.name, false, "", software.costs};
}

static Finding examineLibrary(const Software &software) {
  for (const char *file : software.files)
    if (dlopen(file, RTLD_LAZY | RTLD_LOCAL))
      return {software.name, true, file, software.gives};
  return {software.name, false, "", software.costs};
}

std::vector<Finding> examineSoftware() {
  static const Software programs[] = {
      {"linker",
       {"c++"},
       "nanochat-opt --emit=exe links programs with it",
       "nanochat-opt --emit=exe cannot link programs: apt-get install g++"},
      {"rustc",
       {"rustc"},
       "compiles generated Rust, to measure how much of it is right",
       "no compiler for generated Rust, so how much of it compiles cannot be measured: apt-get "
       "install rustc, or https://rustup.rs"},
      {"cargo",
       {"cargo"},
       "runs tests of generated Rust",
       "no tests of generated Rust can run: apt-get install cargo, or https://rustup.rs"},
      {"bwrap",
       {"bwrap"},
       "a sandbox for generated programs",
       "no sandbox, so generated programs should not be run: apt-get install bubblewrap"},
      {"ptxas",
       {"ptxas"},
       "assembles kernels for NVIDIA GPUs",
       "only kernels for NVIDIA GPUs need it: apt-get install nvidia-cuda-toolkit"},
  };
  static const Software libraries[] = {
      {"mpi",
       {"libmpi.so.40", "libmpi.so.12", "libmpi.so"},
       "exchanges data between machines",
       "only programs on several machines need it: apt-get install libopenmpi3"},
  };
  std::vector<Finding> findings;
  for (const Software &software : programs)
    findings.push_back(examineProgram(software));
  for (const Software &software : libraries)
    findings.push_back(examineLibrary(software));
  return findings;
}

} // namespace nc
