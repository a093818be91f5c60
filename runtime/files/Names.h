// What may be meant by a name that is not known.
//
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace nc {

/// The place in `names` of the first that takes the fewest edits of a character, at most `most`; nothing where all take
/// more. Of paths such as "model.dim", the right last name behind another path is one edit away.
std::optional<size_t> findNearest(std::string_view name, const std::vector<std::string_view> &names,
                                  size_t most = SIZE_MAX);

} // namespace nc
