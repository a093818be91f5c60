// A JSON schema of configurations, for editors.
//
#pragma once

#include <string>

namespace nc {

/// Draft 2020-12, from the table of known keys.
std::string configSchema();

} // namespace nc
