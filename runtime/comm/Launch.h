// Processes of this program that are ranks of each other.
#pragma once

#include <string>
#include <vector>

namespace nc {

/// The arguments that this process was started with, without `option` and its value.
std::vector<std::string> argumentsWithout(const std::string &option);

/// Runs this program with `arguments` as `ranks` processes here and returns when all have ended: the exit code of the
/// first that failed, else 0. Signals that ask for a stop or a checkpoint go to all; five seconds after another one of
/// the former what is left is ended. Where one fails the others have `grace` seconds to end, and are ended then; they
/// end with this process, too.
int runRanks(int ranks, const std::vector<std::string> &arguments, double grace);

} // namespace nc
