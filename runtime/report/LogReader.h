// The log of a run, read back as one series of points per key.
//
#pragma once

#include "runtime/report/Points.h"
#include <map>
#include <string>

namespace nc {

/// By key; lists have a series per element, key/1, key/2 …; a row of what happened
/// between steps (train --at) has "phase <what> <key>". Numbers that were not finite are left out.
using Series = std::map<std::string, std::vector<Point>>;

/// Fails (exit 2), with the line, at what 'train --log' does not write. A last line that was cut is
/// left out: the run may be going on.
Series readLog(const std::string &path);

/// Fails (exit 2) unless `out` can be written, as --out, without overwriting one of the logs.
void checkOut(const std::vector<std::string> &logs, const std::string &out);

} // namespace nc
