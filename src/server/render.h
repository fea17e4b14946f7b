// Numbers and strings straight into the text of an answer: no document in between, because answers
// are mostly numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vecton::server {

void append_number(std::string& out, int64_t value);
void append_number(std::string& out, double value);  // of texts: 1, 0.5

// A float of an answer: 1.0, 0.5 (base::write_float). Throws Failure (kInternal) for one that is
// not finite.
void append_float(std::string& out, float value);
void append_float(std::string& out, double value);

// `text` as a JSON string.
std::string json_text(std::string_view text);

// "[0.5,-1.0]"; throws as append_float().
void append_floats(std::string& out, std::span<const float> values);
// [rows, columns] as a list of lists.
void append_rows(std::string& out, std::span<const float> values, int64_t rows, int64_t columns);

// Weights of tokens: [{"index":5,"value":0.25}].
void append_weights(std::string& out, std::span<const int32_t> ids, std::span<const float> values);

// The floats' bytes.
enum class Endian { kLittle, kBig };
std::string float_bytes(std::span<const float> values, Endian endian);
void append_base64(std::string& out, std::string_view bytes);
// Of the floats' bytes, the least first; throws as append_float().
void append_base64(std::string& out, std::span<const float> values);

}  // namespace vecton::server
