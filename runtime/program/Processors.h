// How many processors this process may use, and which.
//
#pragma once

#include <string>
#include <vector>

namespace nc {

/// The numbers of those that the calling thread may run on, at least one.
std::vector<int> allowedProcessors();
/// Lets the calling thread run on these only. A refusal costs speed, not correctness.
void runOn(const std::vector<int> &processors);

/// The time that control groups (containers, batch systems) give this process, in processors;
/// infinite without a limit. The least of its own group's and its ancestors', as /proc and the
/// mounted hierarchies under `root` tell, of either version.
double processorQuota(const std::string &root = "");

/// The threads that make sense: those processors, and no more than the quota, rounded up.
int availableProcessors(const std::string &root = "");

} // namespace nc
