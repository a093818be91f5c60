// What `doctor` found out about one thing.
//
#pragma once

#include <string>
#include <vector>

namespace nc {

struct Finding {
  std::string name;
  bool isFound;
  std::string value;   // a version, a size, a path; may be empty
  std::string meaning; // what it gives the user; where missing, what that costs and the way out
};

/// Processor, vector instructions, memory and NUMA nodes, as /proc and /sys under `root` tell, and
/// the disk of the current folder. Nothing of it fails.
std::vector<Finding> examineMachine(const std::string &root);

/// Compilers, linker and sandbox on PATH, and shared libraries. Nothing of it fails.
std::vector<Finding> examineSoftware();

/// The CUDA driver and its devices.
Finding examineCuda();
/// NCCL, as programs would use it.
Finding examineNccl();

} // namespace nc
