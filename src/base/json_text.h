// JSON straight into the text of an answer, without a document in between, and documents as text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/json_fwd.h"

namespace vecton::base {

// Appends `text` as a JSON string in valid UTF-8: bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// The most characters of a float and of a double: "-9999999198429184.0",
// "-2.2250738585072014e-308".
inline constexpr size_t kFloatText = 19;
inline constexpr size_t kDoubleText = 24;

// Writes the shortest decimals that give `value`, which is finite, back, and gives their end. They
// always look like a fraction, as Python writes them: 1.0, -0.25, 100000.0, 1e-30.
char* write_float(char* out, float value);
char* write_float(char* out, double value);

// `value` as JSON without spaces, its floats as write_float() has them.
std::string json_text(const json::value& value);

}  // namespace vecton::base
