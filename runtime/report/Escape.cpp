#include "runtime/report/Escape.h"
#include <nlohmann/json.hpp>

namespace nc {

using Json = nlohmann::json;

static constexpr const char *kReplacement = "\xef\xbf\xbd"; // U+FFFD

std::string quoteJson(const std::string &text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The markup of the character of valid UTF-8 that begins at `at`, "" if it stands for itself.
static std::string markupOf(const std::string &text, size_t at) {
  switch (unsigned char letter = text[at]) {
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '&':
    return "&amp;";
  case '"':
    return "&quot;";
  case '\'':
    return "&#39;";
  case 0xef: // U+FFFE and U+FFFF are no characters
    return text.compare(at, 3, "\xef\xbf\xbe") >= 0 ? kReplacement : "";
  default:
    return letter < ' ' && letter != '\t' && letter != '\n' ? kReplacement : "";
  }
}

std::string escapeMarkup(const std::string &text) {
  std::string valid = Json::parse(quoteJson(text)), escaped;
  for (size_t at = 0; at < valid.size();) {
    std::string markup = markupOf(valid, at);
    escaped += markup.empty() ? std::string(1, valid[at]) : markup;
    at += markup == kReplacement && valid[at] == '\xef' ? 3 : 1;
  }
  return escaped;
}

} // namespace nc
