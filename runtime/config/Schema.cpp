#include "runtime/config/Schema.h"
#include "runtime/config/Keys.h"
#include <nlohmann/json.hpp>

namespace nc {

using Json = nlohmann::ordered_json;

static Json typeOf(const Key &key) {
  switch (key.type) {
  case KeyType::Integer:
    return {{"type", "integer"}};
  case KeyType::Number:
    return {{"type", "number"}};
  case KeyType::Boolean:
    return {{"type", "boolean"}};
  case KeyType::Text:
    return {{"type", "string"}};
  case KeyType::TextList:
    return {{"type", "array"}, {"items", {{"type", "string"}}}};
  case KeyType::Time:
    return {{"type", Json::array({"integer", "string"})}};
  }
  return {};
}

static Json describe(const Key &key) {
  Json json = typeOf(key);
  json["description"] = key.help;
  if (!std::isinf(key.least))
    json["minimum"] = key.least;
  if (!std::isinf(key.most))
    json["maximum"] = key.most;
  return json;
}

/// The object that describes a table or, by "name[]", each of a list of tables, made where it is
/// not there yet.
static Json &tableAt(Json &table, const std::string &name) {
  const Json empty = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
  bool isList = name.back() == ']';
  Json &inner = table["properties"][isList ? name.substr(0, name.size() - 2) : name];
  if (inner.is_null())
    inner = isList ? Json({{"type", "array"}, {"items", empty}}) : empty;
  return isList ? inner["items"] : inner;
}

std::string configSchema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "Configuration of a training run"},
                 {"type", "object"},
                 {"additionalProperties", false},
                 {"properties", Json::object()}};
  for (const Key &key : knownKeys()) {
    Json *table = &schema;
    std::string rest = key.path;
    for (size_t dot; (dot = rest.find('.')) != rest.npos; rest.erase(0, dot + 1))
      table = &tableAt(*table, rest.substr(0, dot));
    if (rest == "*")
      (*table)["additionalProperties"] = describe(key);
    else
      (*table)["properties"][rest] = describe(key);
  }
  return schema.dump(2) + "\n";
}

} // namespace nc
