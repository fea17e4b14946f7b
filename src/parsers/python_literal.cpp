#include "parsers/python_literal.h"

#include <charconv>

#include "base/json.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "parsers/spaced_text.h"

namespace vecton::parsers {

namespace {

constexpr int kMaxDepth = 64;

class LiteralReader : public SpacedText {
 public:
  explicit LiteralReader(std::string_view text) : SpacedText(text) {}

  bool value(std::string& out, int depth = 0) {
    if (at_end() || depth > kMaxDepth) return false;
    const char c = text_[at_];
    if (c == '\'' || c == '"') return texts(out);
    if (c == '[') return list(out, ']', depth);
    if (c == '(') return list(out, ')', depth);
    if (c == '{') return dict(out, depth);
    return word(out);
  }

  bool call(PythonCall& out) {
    skip_space();
    out.name = name();
    if (out.name.empty() || !take('(')) return false;
    while (!take(')')) {
      if (!out.arguments.empty() && !take(',')) return false;
      if (take(')')) return true;
      skip_space();
      const size_t start = at_;
      std::string key = name();
      if (key.empty() || !take('=')) {
        at_ = start;
        key.clear();
      }
      std::string json;
      if (!value(json)) return false;
      out.arguments.emplace_back(std::move(key), std::move(json));
    }
    return true;
  }

 private:
  std::string name() {
    const size_t start = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  // One string, or several that stand beside each other.
  bool texts(std::string& out) {
    std::string text;
    do {
      if (!one_text(text)) return false;
      skip_space();
    } while (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"'));
    base::append_json_string(out, text);
    return true;
  }

  bool one_text(std::string& out) {
    const char quote = text_[at_];
    const std::string triple(3, quote);
    const std::string_view end =
        text_.substr(at_).starts_with(triple) ? std::string_view(triple) : text_.substr(at_, 1);
    at_ += end.size();
    while (at_ < text_.size()) {
      if (text_.substr(at_).starts_with(end)) {
        at_ += end.size();
        return true;
      }
      if (text_[at_] != '\\') {
        out += text_[at_++];
      } else if (!escape(out)) {
        return false;
      }
    }
    return false;
  }

  bool escape(std::string& out) {
    if (++at_ == text_.size()) return false;
    const char c = text_[at_++];
    constexpr std::string_view kLetters = "ntrbfa0", kMeant{"\n\t\r\b\f\a\0", 7};
    if (const size_t which = kLetters.find(c); which != std::string_view::npos) {
      out += kMeant[which];
    } else if (c == 'x') {
      return code(2, out);
    } else if (c == 'u') {
      return code(4, out);
    } else if (c == 'U') {
      return code(8, out);
    } else if (c == '\\' || c == '\'' || c == '"' || c == '/') {
      out += c;
    } else if (c != '\n') {  // no escape at all: the backslash is one
      out += '\\';
      out += c;
    }
    return true;
  }

  bool hex(size_t digits, uint32_t& value) {
    if (text_.size() - at_ < digits) return false;
    const char* const start = text_.data() + at_;
    if (std::from_chars(start, start + digits, value, 16).ptr != start + digits) return false;
    at_ += digits;
    return true;
  }

  bool code(size_t digits, std::string& out) {
    uint32_t c = 0;
    if (!hex(digits, c)) return false;
    uint32_t low = 0;
    const bool high = c >= 0xd800 && c < 0xdc00;
    const size_t start = at_;
    if (high && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      if (hex(4, low) && low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
      } else {
        at_ = start;
      }
    }
    const bool character = c < 0x110000 && (c < 0xd800 || c >= 0xe000);
    utf8::append(out, character ? static_cast<char32_t>(c) : U'\ufffd');
    return true;
  }

  bool list(std::string& out, char end, int depth) {
    ++at_;
    out += '[';
    for (bool first = true; !take(end); first = false) {
      if (!first && !take(',')) return false;
      if (!first && take(end)) break;
      if (!first) out += ", ";
      if (!value(out, depth + 1)) return false;
    }
    out += ']';
    return true;
  }

  bool dict(std::string& out, int depth) {
    ++at_;
    out += '{';
    for (bool first = true; !take('}'); first = false) {
      if (!first && !take(',')) return false;
      if (!first && take('}')) break;
      if (!first) out += ", ";
      skip_space();
      std::string key;
      if (!value(key, depth + 1)) return false;
      if (key.starts_with('[') || key.starts_with('{')) return false;
      out += key.starts_with('"') ? key : '"' + key + '"';
      if (!take(':')) return false;
      out += ": ";
      if (!value(out, depth + 1)) return false;
    }
    out += '}';
    return true;
  }

  bool word(std::string& out) {
    const size_t start = at_;
    while (at_ < text_.size() && (is_name(text_[at_]) || text_[at_] == '+')) ++at_;
    std::string text(text_.substr(start, at_ - start));
    if (text == "True" || text == "true") return out += "true", true;
    if (text == "False" || text == "false") return out += "false", true;
    if (text == "None" || text == "null") return out += "null", true;
    if (text.starts_with('+')) text.erase(0, 1);
    if (text.starts_with('.')) text.insert(0, "0");
    if (text.ends_with('.')) text += '0';
    boost::system::error_code error;
    const json::value number = json::parse(text, error);
    if (error || !number.is_number()) return false;
    out += text;
    return true;
  }
};

}  // namespace

std::optional<std::string> json_of_python(std::string_view text) {
  LiteralReader reader(text);
  std::string out;
  if (!reader.value(out) || !reader.at_end()) return {};
  return out;
}

std::optional<PythonCall> python_call(std::string_view text) {
  LiteralReader reader(text);
  PythonCall call;
  if (!reader.call(call) || !reader.at_end()) return {};
  return call;
}

}  // namespace vecton::parsers
