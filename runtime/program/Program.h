// Questions about a compiled program: its tensors, entries and sizes.
//
// Everything here takes the program as an argument; only Main.cpp names nc_programs.
//
#pragma once

#include "runtime/program/DTypes.h"
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace nc {

/// Fails (exit 1) if the program was built for another ABI or a tensor does not fit its arena.
void checkProgram(const nc_program &program);

/// The entry of that name, or null.
const nc_entry *findEntry(const nc_program &program, const std::string &name);
/// The entry of that name; fails (exit 2) with the list of entries.
const nc_entry &getEntry(const nc_program &program, const std::string &name);
/// Entry `<phase>.<part>`, part being "gradients" or "update"; fails (exit 2) with the list of
/// phases.
const nc_entry &getPhaseEntry(const nc_program &program, const std::string &phase, const std::string &part);

/// The tensor of that kind and name among those of `entry`, or null.
const nc_tensor *findTensor(const nc_program &program, const nc_entry &entry, nc_kind kind, std::string_view name);
/// As findTensor; fails (exit 1), naming the entry.
const nc_tensor &getTensor(const nc_program &program, const nc_entry &entry, nc_kind kind, std::string_view name);

/// Tensors of a kind among those of an entry, found while one walks over them: allocates nothing.
class EntryTensors {
public:
  class Iterator {
  public:
    Iterator(const EntryTensors &range, int32_t at) : range(range), at(at) { skip(); }
    const nc_tensor *operator*() const { return &range.tensor(at); }
    Iterator &operator++() {
      ++at;
      skip();
      return *this;
    }
    bool operator!=(const Iterator &other) const { return at != other.at; }

  private:
    void skip() {
      while (at < range.entry.n_tensors && range.tensor(at).kind != range.kind)
        ++at;
    }
    const EntryTensors &range;
    int32_t at;
  };

  EntryTensors(const nc_program &program, const nc_entry &entry, nc_kind kind)
      : program(program), entry(entry), kind(kind) {}
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, entry.n_tensors}; }

private:
  const nc_tensor &tensor(int32_t i) const { return program.tensors[entry.tensors[i]]; }
  const nc_program &program;
  const nc_entry &entry;
  nc_kind kind;
};

/// All tensors of a kind, in program order; of the whole program or of one entry.
std::vector<const nc_tensor *> tensorsOf(const nc_program &program, nc_kind kind);
inline EntryTensors tensorsOf(const nc_program &program, const nc_entry &entry, nc_kind kind) {
  return {program, entry, kind};
}

/// A compile-time size, or `missing` where the program has none of that name.
int64_t sizeOr(const nc_program &program, const std::string &name, int64_t missing);

/// Names of the rank-0 inputs that the user sets, such as "lr".
std::set<std::string> userScalars(const nc_program &program);
/// The least value of such a scalar: rates and decays below 0 would climb and grow; others are the
/// model's matter.
double leastOfScalar(std::string_view name);
/// Fails (exit 2) if none of them has that name, with the list, or if it cannot hold `value`.
void checkScalar(const nc_program &program, const std::string &name, double value);
/// What a user scalar is unless it is set; nothing if there is none of that name.
std::optional<double> scalarDefault(const nc_program &program, const std::string &name);
/// The input with a number for each target, from a file.
constexpr const char *kReference = "reference";
/// When the runtime writes inputs of that name.
nc_input inputOf(std::string_view name);
/// Whether an input is one of them, as opposed to one the runtime fills itself.
bool isUserScalar(const nc_tensor &tensor);

int64_t elementCount(const nc_tensor &tensor);
const char *arenaName(int arena);
/// Whether gradients entries change parameters, so that some have no gradient afterwards: --update=backward.
bool updatesInBackward(const nc_program &program);
const char *kindName(int32_t kind);
std::vector<int64_t> shapeOf(const nc_tensor &tensor);
/// "[2, 3]".
std::string shapeText(const std::vector<int64_t> &shape);
/// "a, b, c", for error messages.
std::string join(const std::set<std::string> &names);

} // namespace nc
