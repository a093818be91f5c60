// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/Config.h"

#include "runtime/Errors.h"

#include <toml++/toml.h>

namespace nc {

static std::string placeIn(const std::string &path, const toml::source_position &at) {
  return format("%s:%u:%u", path.c_str(), unsigned(at.line), unsigned(at.column));
}

static const char *foundName(const toml::node &node) {
  switch (node.type()) {
  case toml::node_type::table:
    return "a table";
  case toml::node_type::array:
    return "a list";
  case toml::node_type::string:
    return "a text";
  case toml::node_type::integer:
    return "an integer";
  case toml::node_type::floating_point:
    return "a number";
  case toml::node_type::boolean:
    return "true or false";
  default:
    return "a date or time";
  }
}

/// The fewest digits that stand for the number.
static std::string shortest(double number) {
  for (int digits = 15; digits < 17; ++digits)
    if (std::string text = format("%.*g", digits, number); strtod(text.c_str(), nullptr) == number)
      return text;
  return format("%.17g", number);
}

/// Fills in the value; false if it is of another type.
static bool assign(Setting &setting, const toml::node &node) {
  switch (setting.key->type) {
  case KeyType::Integer:
    if (!node.is_integer())
      return false;
    setting.number = double(*node.value<int64_t>());
    setting.text = std::to_string(*node.value<int64_t>());
    return true;
  case KeyType::Number:
    if (!node.is_number())
      return false;
    setting.number = *node.value<double>();
    setting.text = shortest(setting.number);
    return true;
  case KeyType::Boolean:
    if (!node.is_boolean())
      return false;
    setting.number = *node.value<bool>();
    setting.text = setting.number ? "true" : "false";
    return true;
  case KeyType::Text:
    if (!node.is_string())
      return false;
    setting.text = *node.value<std::string>();
    return true;
  case KeyType::TextList:
    if (!node.is_array())
      return false;
    for (const toml::node &element : *node.as_array()) {
      if (!element.is_string())
        return false;
      setting.list.push_back(*element.value<std::string>());
      setting.text += (setting.list.size() > 1 ? "," : "") + setting.list.back();
    }
    return true;
  }
  return false;
}

namespace {
/// Walks over tables and turns their leaves into settings.
class Reader {
public:
  Reader(std::map<std::string, Setting> &values, std::vector<Remark> &remarks)
      : values(values), remarks(remarks) {}

  /// `place` says where a position is.
  template <typename Place>
  void readTable(const toml::table &table, const std::string &prefix, Place place) {
    for (const auto &[key, node] : table) {
      std::string path = prefix + std::string(key.str());
      if (const auto *inner = node.as_table(); inner && !findKey(path))
        readTable(*inner, path + ".", place);
      else
        readValue(path, node, place(key.source().begin), place(node.source().begin));
    }
  }

  void readValue(const std::string &path, const toml::node &node, const std::string &keyPlace,
                 const std::string &place) {
    const Key *key = findKey(path);
    if (!key) {
      std::string near = nearestKey(path);
      remarks.push_back(
          {true, keyPlace,
           "unknown key '" + path + "'" + (near.empty() ? "" : ", did you mean '" + near + "'?"),
           ""});
      return;
    }
    Setting setting{key, place, "", 0, {}};
    if (!assign(setting, node)) {
      remarks.push_back(
          {true, place,
           format("'%s' is %s, expected %s", path.c_str(), foundName(node), typeName(key->type)),
           ""});
      return;
    }
    bool isNumber = key->type == KeyType::Integer || key->type == KeyType::Number;
    if (isNumber && !(setting.number >= key->least && setting.number <= key->most)) {
      std::string range = std::isinf(key->most) ? format("at least %g", key->least)
                                                : format("%g to %g", key->least, key->most);
      remarks.push_back(
          {true, place,
           format("'%s' is %s, expected %s", path.c_str(), setting.text.c_str(), range.c_str()),
           ""});
      return;
    }
    values[path] = std::move(setting);
  }

private:
  std::map<std::string, Setting> &values;
  std::vector<Remark> &remarks;
};
} // namespace

Config::Config(const std::string &path, const std::vector<std::string> &overrides) {
  if (!path.empty())
    readFile(path);
  for (const std::string &text : overrides)
    readOverride(text);
}

void Config::readFile(const std::string &path) {
  try {
    toml::table table = toml::parse_file(path);
    Reader(values, remarks).readTable(table, "", [&](const toml::source_position &at) {
      return placeIn(path, at);
    });
  } catch (const toml::parse_error &problem) {
    // Without a position the file itself could not be read.
    bool hasPlace = problem.source().begin.line > 0;
    failInput((hasPlace ? placeIn(path, problem.source().begin) : path) + ": " +
              std::string(problem.description()));
  }
}

/// A TOML value, or what is none as a text, so that names need no quotes.
static toml::table parseValue(const std::string &text) {
  try {
    toml::table table = toml::parse("value = " + text);
    if (table.size() == 1)
      return table;
  } catch (const toml::parse_error &) {
  }
  toml::table table;
  table.insert("value", text);
  return table;
}

void Config::readOverride(const std::string &text) {
  size_t equals = text.find('=');
  std::string place = "--set " + text;
  if (equals == text.npos || equals == 0) {
    remarks.push_back({true, place, "expected KEY=VALUE, as in --set training.seed=1", ""});
    return;
  }
  toml::table value = parseValue(text.substr(equals + 1));
  Reader(values, remarks).readValue(text.substr(0, equals), *value.get("value"), place, place);
}

const Setting *Config::find(const std::string &path) const {
  auto found = values.find(path);
  return found == values.end() ? nullptr : &found->second;
}

std::optional<double> Config::number(const std::string &path) const {
  const Setting *setting = find(path);
  return setting ? std::optional(setting->number) : std::nullopt;
}

std::map<std::string, const Setting *> Config::below(const std::string &prefix) const {
  std::map<std::string, const Setting *> found;
  for (const auto &[path, setting] : values)
    if (path.rfind(prefix, 0) == 0)
      found[path.substr(prefix.size())] = &setting;
  return found;
}

void reportRemarks(const std::vector<Remark> &remarks) {
  const Remark *last = nullptr;
  for (const Remark &remark : remarks)
    if (remark.isError)
      last = &remark;
  for (const Remark &remark : remarks) {
    std::string text = remark.place + ": " + remark.message;
    if (&remark == last)
      continue;
    fprintf(stderr, "%s: %s\n", remark.isError ? "error" : "warning", text.c_str());
    if (!remark.note.empty())
      fprintf(stderr, "note: %s\n", remark.note.c_str());
  }
  if (last)
    failInput(last->place + ": " + last->message, last->note);
}

} // namespace nc
