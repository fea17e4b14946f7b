#include "server/render.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

#include "backend/cpu/isa.h"
#include "base/base64.h"
#include "base/json_text.h"
#include "server/base64_text.h"
#include "server/failure.h"
#include "server/float_text.h"

namespace vecton::server {

namespace {

[[noreturn]] void not_finite() {
  throw Failure(Cause::kInternal, "the model gave a number that is not finite");
}

// Without a branch for each, so that the compiler takes several at once.
void check_finite(std::span<const float> values) {
  constexpr uint32_t kExponent = 0x7F800000;
  uint32_t others = 0;
  for (const float value : values)
    others |= (std::bit_cast<uint32_t>(value) & kExponent) == kExponent ? 1U : 0U;
  if (others) not_finite();
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
  check_finite(values);
  std::string bytes(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  if ((endian == Endian::kLittle) == (std::endian::native == std::endian::little)) return bytes;
  for (size_t i = 0; i < bytes.size(); i += sizeof(float))
    std::reverse(bytes.data() + i, bytes.data() + i + sizeof(float));
  return bytes;
}

void append_base64(std::string& out, std::string_view bytes) {
  static const WriteBase64 write = write_base64(cpu::supported_isas().back());
  constexpr size_t kAtOnce = 3072, kReadAhead = 4;
  std::array<char, kAtOnce / 3 * 4> text;
  size_t taken = kAtOnce;
  while (taken == kAtOnce) {
    taken = write(text.data(), bytes.substr(0, kAtOnce + kReadAhead));
    out.append(text.data(), taken / 3 * 4);
    bytes.remove_prefix(taken);
  }
  base::append_base64(out, bytes);
}

void append_base64(std::string& out, std::span<const float> values) {
  if constexpr (std::endian::native == std::endian::little) {
    check_finite(values);
    append_base64(out, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  } else {
    append_base64(out, float_bytes(values, Endian::kLittle));
  }
}

}  // namespace vecton::server
