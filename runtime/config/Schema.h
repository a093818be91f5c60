// A JSON schema of configurations, for editors.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace nc {

/// Draft 2020-12, from the table of known keys.
std::string configSchema();

} // namespace nc
