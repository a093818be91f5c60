// A JSON schema of configurations, for editors.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_CONFIG_SCHEMA_H
#define NANOCHAT_RUNTIME_CONFIG_SCHEMA_H

#include <string>

namespace nc {

/// Draft 2020-12, from the table of known keys.
std::string configSchema();

} // namespace nc
#endif // NANOCHAT_RUNTIME_CONFIG_SCHEMA_H
