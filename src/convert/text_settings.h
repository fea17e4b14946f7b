// Settings of the model that reads text, in config.json or in its "text_config". Functions of their
// arguments, for any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/json.h"

namespace vecton::convert {

// Of text_config where that has it; nothing where it is no whole number.
inline const json::value* text_setting(const json::object& config, std::string_view key) {
  const json::value* text = config.if_contains("text_config");
  if (text && text->is_object()) {
    const json::value* own = text->get_object().if_contains(key);
    if (own && !own->is_null()) return own;
  }
  return config.if_contains(key);
}

inline std::optional<int64_t> text_number(const json::object& config, std::string_view key) {
  const json::value* value = text_setting(config, key);
  return value && value->is_int64() ? std::optional(value->get_int64()) : std::nullopt;
}

}  // namespace vecton::convert
