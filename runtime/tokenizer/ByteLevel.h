// GPT-2's way to write bytes as text: printable ones are themselves, the others follow from U+0100.
//
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace nc {

std::string bytesToText(std::string_view bytes);
/// Nothing if the text has other characters.
std::optional<std::string> textToBytes(std::string_view text);

/// All bytes, in the order of the characters they are written as: the order of ids in vocabularies.
std::array<unsigned char, 256> bytesInOrder();

} // namespace nc
