// Reading JSON that others wrote: whatever is wrong with it is said in our words.
//
#pragma once

#include "runtime/files/Errors.h"
#include <nlohmann/json.hpp>
#include <type_traits>

namespace nc {

/// Throws std::invalid_argument where lists and objects nest so deep that to copy, compare or print
/// them, which the library does by recursion, might exhaust the stack.
void checkNesting(std::string_view json);

/// Throws std::invalid_argument, with a sentence that goes on after "it is wrong: ". `watch` is the
/// library's callback.
template <typename Json>
Json parseJson(std::string_view text, const typename Json::parser_callback_t &watch = nullptr) {
  checkNesting(text);
  try {
    return Json::parse(text, watch);
  } catch (const typename Json::parse_error &problem) {
    throw std::invalid_argument(format("not JSON from byte %zu on", problem.byte));
  } catch (const typename Json::exception &) {
    throw std::invalid_argument("a number is out of range");
  }
}

/// A member of an object. Throws std::invalid_argument if it is not there or of another type.
template <typename Value, typename Json> Value memberOf(const Json &object, const char *key) {
  if (!object.is_object() || !object.contains(key))
    throw std::invalid_argument(format("it has no '%s'", key));
  const Json &member = object[key];
  constexpr bool isInteger = std::is_integral_v<Value>;
  try {
    if (!isInteger || member.is_number_integer())
      return member.template get<Value>();
  } catch (const typename Json::exception &) {
  }
  throw std::invalid_argument(format("its '%s' is of another type than expected", key));
}

} // namespace nc
