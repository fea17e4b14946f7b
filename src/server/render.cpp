#include "server/render.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "backend/cpu/isa.h"
#include "base/json_text.h"
#include "server/failure.h"
#include "server/float_text.h"

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
  static const WriteFloats write = write_floats(cpu::supported_isas().back());
  constexpr size_t kAtOnce = 256;
  std::array<char, float_text_room(kAtOnce)> text;
  out += '[';
  if (values.empty()) out += ']';
  while (!values.empty()) {
    const auto some = values.first(std::min(kAtOnce, values.size()));
    char* end = write(text.data(), some);
    if (!end) not_finite();
    values = values.subspan(some.size());
    if (values.empty()) end[-1] = ']';
    out.append(text.data(), end);
  }
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
