// Names as parts of pages and pictures, whatever bytes they hold.
//
#pragma once

#include <string>

namespace nc {

/// As text of HTML or XML, or in quotes there; what such files must not hold is replaced.
std::string escapeMarkup(const std::string &text);

/// As a string of JSON, with its quotes; bytes that are no UTF-8 are replaced.
std::string quoteJson(const std::string &text);

} // namespace nc
