#include "server/render.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/json_text.h"
#include "server/failure.h"

namespace vecton::server {

namespace {

[[noreturn]] void not_finite() {
  throw Failure(Cause::kInternal, "the model gave a number that is not finite");
}

template <typename T>
void append_any_float(std::string& out, T value) {
  if (!std::isfinite(value)) not_finite();
  char text[base::kDoubleText];
  out.append(text, base::write_float(text, value));
}

}  // namespace

void append_number(std::string& out, int64_t value) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void append_number(std::string& out, double value) {
  if (!std::isfinite(value)) not_finite();
  char text[32];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void append_float(std::string& out, float value) { append_any_float(out, value); }
void append_float(std::string& out, double value) { append_any_float(out, value); }

std::string json_text(std::string_view text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

void append_floats(std::string& out, std::span<const float> values) {
  const size_t start = out.size();
  out.resize(start + values.size() * (base::kFloatText + 1) + 2);
  char* p = out.data() + start;
  *p++ = '[';
  for (const float value : values) {
    if (!std::isfinite(value)) not_finite();
    p = base::write_float(p, value);
    *p++ = ',';
  }
  if (values.empty()) ++p;
  p[-1] = ']';
  out.resize(static_cast<size_t>(p - out.data()));
}

void append_rows(std::string& out, std::span<const float> values, int64_t rows, int64_t columns) {
  out += '[';
  for (int64_t i = 0; i < rows; ++i) {
    if (i) out += ',';
    append_floats(out,
                  values.subspan(static_cast<size_t>(i * columns), static_cast<size_t>(columns)));
  }
  out += ']';
}

void append_weights(std::string& out, std::span<const int32_t> ids, std::span<const float> values) {
  out += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    out += i ? ",{\"index\":" : "{\"index\":";
    append_number(out, static_cast<int64_t>(ids[i]));
    out += ",\"value\":";
    append_float(out, values[i]);
    out += '}';
  }
  out += ']';
}

std::string float_bytes(std::span<const float> values, Endian endian) {
  std::string bytes(values.size() * sizeof(float), '\0');
  const bool swap = (endian == Endian::kLittle) != (std::endian::native == std::endian::little);
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) not_finite();
    uint32_t bits = std::bit_cast<uint32_t>(values[i]);
    if (swap) bits = __builtin_bswap32(bits);
    std::memcpy(bytes.data() + i * sizeof bits, &bits, sizeof bits);
  }
  return bytes;
}

}  // namespace vecton::server
