#include "base/python_json.h"

#include "base/utf8.h"
#include "vecton/error.h"

namespace vecton::base {

namespace {

// Rewrites a text as JSON. What is wrong otherwise stays so.
class Rewriter {
 public:
  Rewriter(std::string_view in, BadBytes bad_bytes) : in_(in), bad_bytes_(bad_bytes) {
    out_.reserve(in.size() + 16);
  }

  std::string run() {
    while (at_ < in_.size()) {
      if (in_[at_] == '"') {
        string();
      } else if (!number("NaN") && !number("Infinity")) {
        copy(1);
      }
    }
    return std::move(out_);
  }

 private:
  void copy(size_t count) {
    out_.append(in_.substr(at_, count));
    at_ += count;
  }

  static bool is_part_of_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.';
  }

  // A number that JSON has no word for: one that is too large for it.
  bool number(std::string_view word) {
    const std::string_view rest = in_.substr(at_);
    const bool alone = (out_.empty() || !is_part_of_word(out_.back())) &&
                       (rest.size() <= word.size() || !is_part_of_word(rest[word.size()]));
    if (!rest.starts_with(word) || !alone) return false;
    out_ += "1e999";
    at_ += word.size();
    return true;
  }

  void string() {
    copy(1);
    while (at_ < in_.size() && in_[at_] != '"') {
      if (in_[at_] == '\\') {
        escape();
      } else if (static_cast<unsigned char>(in_[at_]) < 0x80) {
        copy(1);
      } else {
        character();
      }
    }
    if (at_ < in_.size()) copy(1);
  }

  // The unit of \uXXXX at a place, or -1.
  int unit(size_t at) const {
    if (at + 6 > in_.size() || in_[at] != '\\' || in_[at + 1] != 'u') return -1;
    int value = 0;
    for (const char c : in_.substr(at + 2, 4)) {
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }

  void escape() {
    const int first = unit(at_);
    if (first < 0xD800 || first > 0xDFFF) return copy(first < 0 ? 2 : 6);
    const int second = unit(at_ + 6);
    if (first < 0xDC00 && second >= 0xDC00 && second <= 0xDFFF) return copy(12);
    out_ += "\\ufffd";
    at_ += 6;
  }

  // A character beyond ASCII, or a byte that is none.
  void character() {
    const utf8::Character found = utf8::decode(in_, at_);
    if (found.valid || bad_bytes_ == BadBytes::kRefuse) return copy(found.bytes);
    out_ += "\\ufffd";
    at_ += found.bytes;
  }

  std::string_view in_;
  BadBytes bad_bytes_;
  std::string out_;
  size_t at_ = 0;
};

}  // namespace

json::value parse_python_json(std::string_view text, const std::string& what, BadBytes bad_bytes,
                              json::storage_ptr memory) {
  try {
    return parse_json(text, what, memory);
  } catch (const Error&) {
    const std::string rewritten = Rewriter(text, bad_bytes).run();
    if (rewritten == text) throw;
    try {
      return parse_json(rewritten, what, memory);
    } catch (const Error&) {
    }
    throw;  // it was wrong anyway: the place in the text as it came
  }
}

}  // namespace vecton::base
