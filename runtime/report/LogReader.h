// The log of a run, read back as one series of points per key.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_REPORT_LOGREADER_H
#define NANOCHAT_RUNTIME_REPORT_LOGREADER_H

#include "runtime/report/Svg.h"

#include <map>

namespace nc {

/// By key; lists have a series per element, key/1, key/2 …; a row of what happened
/// between steps (train --at) has "phase <what> <key>". Numbers that were not finite are left out.
using Series = std::map<std::string, std::vector<Point>>;

/// Fails (exit 2), with the line, at what 'train --log' does not write. A last line that was cut is
/// left out: the run may be going on.
Series readLog(const std::string &path);

/// At most about 2·`count` of the points, the lowest and the highest of each stretch.
std::vector<Point> thinOut(const std::vector<Point> &points, size_t count);

} // namespace nc
#endif // NANOCHAT_RUNTIME_REPORT_LOGREADER_H
