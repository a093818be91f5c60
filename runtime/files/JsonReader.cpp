#include "runtime/files/JsonReader.h"

namespace nc {

void checkNesting(std::string_view json) {
  constexpr int kDeepest = 64;
  int depth = 0;
  bool isString = false;
  for (size_t i = 0; i < json.size(); ++i) {
    char c = json[i];
    if (c == '"')
      isString = !isString;
    else if (isString)
      i += c == '\\'; // what follows is a character of the string
    else if (c == '[' || c == '{')
      ++depth;
    else if (c == ']' || c == '}')
      --depth;
    if (depth > kDeepest)
      throw std::invalid_argument(format("at byte %zu lists and objects nest deeper than %d", i, kDeepest));
  }
}

} // namespace nc
