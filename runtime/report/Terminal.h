// The terminal that standard output may be.
//
#pragma once

#include <cstddef>
#include <string>

namespace nc {

/// Whether standard output is a terminal on which a line can be written anew.
bool isRewritable();

/// How many columns it has now: it may be resized.
size_t terminalColumns();

/// As much of a line of UTF-8 as has at most so many characters.
std::string firstCharacters(const std::string &line, size_t count);

} // namespace nc
