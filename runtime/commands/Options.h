// Options that several commands share.
//
#pragma once

#include "runtime/comm/Ranks.h"
#include "runtime/files/Numbers.h"
#include "runtime/program/Processors.h"
#include "runtime/program/Session.h"
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Validator;
} // namespace CLI

namespace nc {

/// A finite number in [low, high], whose ends may be infinite; for Option::check.
CLI::Validator numberIn(double low, double high = INFINITY);
/// An integer in [low, high]; for Option::transform, since the parser takes a leading zero for
/// octal.
CLI::Validator integerIn(int64_t low, uint64_t high);
/// The most of what is counted in memory.
constexpr uint64_t kMostAtOnce = INT32_MAX;

struct SessionOptions {
  int threads = availableProcessors();
  bool isPinned = false;
  std::string device;                      // --device, by which the program was chosen
  std::vector<std::string> scalars;        // "name=value"
  std::map<std::string, double> shortcuts; // --lr and the like, where the program has them
};

/// Adds --init, what to use a model with.
void addInitOption(CLI::App &command, std::string &path);
/// Adds --threads, --scalar and the short forms. `options` must outlive the parse.
void addSessionOptions(CLI::App &command, const nc_program &program, SessionOptions &options);
/// Adds --ranks, at least that many, --comm and --comm-timeout.
void addRankOptions(CLI::App &command, RankOptions &options, int64_t least);
/// The scalars that were given, by name. Fails (exit 2) if one is malformed.
std::map<std::string, double> givenScalars(const SessionOptions &options);
std::unique_ptr<Session> makeSession(const nc_program &program, const SessionOptions &options);

} // namespace nc
