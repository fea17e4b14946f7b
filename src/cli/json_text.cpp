#include "cli/json_text.h"

#include <charconv>

namespace vecton::cli {

namespace {

template <typename T>
void append_digits(std::string& out, T value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

}  // namespace

void append_number(std::string& out, float value) {
  char digits[base::kDoubleText];
  out.append(digits, base::write_float(digits, value));
}
void append_number(std::string& out, int64_t value) { append_digits(out, value); }
void append_number(std::string& out, int32_t value) { append_digits(out, value); }

}  // namespace vecton::cli
