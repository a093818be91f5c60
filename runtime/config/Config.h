// A configuration as it was written: settings with the places they come from.
//
#pragma once

#include "runtime/config/Keys.h"
#include <map>
#include <optional>

namespace nc {

/// A value somebody gave.
struct Setting {
  const Key *key;
  std::string place;             // "run.toml:3:9" or "--set training.seed=1"
  std::string text;              // as an option of the command line takes it; lists joined by commas
  double number = 0;             // of numbers and booleans
  std::vector<std::string> list; // of lists
};

/// One of a list of tables, as [[phase]].
struct SettingTable {
  std::string place;
  std::map<std::string, Setting> values; // by path: "phase[].at"
};

/// What is wrong or odd, and the way out.
struct Remark {
  bool isError;
  std::string place, message, note;
};

class Config {
public:
  /// Reads a TOML file (none if `path` is empty), then the values of --set, "a.b=VALUE", of which
  /// later ones win. Mistakes become remarks: unknown keys, wrong types, numbers out of range.
  /// Fails (exit 2), with line and column, if the file is no TOML.
  Config(const std::string &path, const std::vector<std::string> &overrides);

  const std::map<std::string, Setting> &settings() const { return values; }
  const Setting *find(const std::string &path) const;
  std::optional<double> number(const std::string &path) const;
  /// All settings below "data.mix.", by name.
  std::map<std::string, const Setting *> below(const std::string &prefix) const;

  /// The tables [[phase]], in their order.
  const std::vector<SettingTable> &phases() const { return tables; }

  std::vector<Remark> remarks;

private:
  void readFile(const std::string &path);
  void readOverride(const std::string &text);

  std::map<std::string, Setting> values;
  std::vector<SettingTable> tables;
};

/// Prints remarks as "error: …" and "warning: …" with notes to standard error; fails (exit 2) with
/// the last error if there are any.
void reportRemarks(const std::vector<Remark> &remarks);

} // namespace nc
