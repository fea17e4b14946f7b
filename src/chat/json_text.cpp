#include "chat/json_text.h"

#include <algorithm>
#include <cmath>

#include "chat/operators.h"
#include "chat/repr.h"
#include "chat/unicode.h"

namespace vecton::chat {

namespace {

class Writer {
 public:
  Writer(Heap& heap, const JsonStyle& style) : heap_(heap), style_(style) {}

  std::string run(const Value& value) {
    write(value, 0);
    return std::move(out_);
  }

 private:
  void write(const Value& value, size_t level) {
    const Heap::Depth depth(heap_);
    heap_.step();
    heap_.check_room(out_.size());
    switch (value.type()) {
      case Type::kNone:
        out_ += "null";
        break;
      case Type::kBool:
        out_ += value.boolean() ? "true" : "false";
        break;
      case Type::kInt:
        out_ += repr_int(value.integer());
        break;
      case Type::kFloat:
        out_ += number(value.real());
        break;
      case Type::kText:
        write_text(value.text());
        break;
      case Type::kList:
      case Type::kTuple:
        write_list(value.items(), level);
        break;
      case Type::kDict:
        write_dict(value.get<Dict>(), level);
        break;
      default:
        throw Failure("Object of type " + std::string(type_name(value)) +
                      " is not JSON serializable");
    }
  }

  static std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return repr_float(value);
  }

  void new_line(size_t level) {
    if (!style_.indent) return;
    out_ += '\n';
    for (size_t i = 0; i < level; ++i) out_ += *style_.indent;
  }

  void write_list(const std::vector<Value>& items, size_t level) {
    out_ += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += style_.item_separator;
      new_line(level + 1);
      write(items[i], level + 1);
    }
    if (!items.empty()) new_line(level);
    out_ += ']';
  }

  void write_dict(const Dict& dict, size_t level) {
    std::vector<std::pair<Value, Value>> sorted;
    if (style_.sort_keys) {
      sorted = dict.items;
      heap_.step(sorted.size());
      std::stable_sort(sorted.begin(), sorted.end(),
                       [&](const auto& a, const auto& b) { return less(heap_, a.first, b.first); });
    }
    const auto& items = style_.sort_keys ? sorted : dict.items;
    out_ += '{';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += style_.item_separator;
      new_line(level + 1);
      write_key(items[i].first);
      out_ += style_.key_separator;
      write(items[i].second, level + 1);
    }
    if (!items.empty()) new_line(level);
    out_ += '}';
  }

  void write_key(const Value& key) {
    switch (key.type()) {
      case Type::kText:
        return write_text(key.text());
      case Type::kNone:
        return write_text("null");
      case Type::kBool:
        return write_text(key.boolean() ? "true" : "false");
      case Type::kInt:
        return write_text(repr_int(key.integer()));
      case Type::kFloat:
        return write_text(number(key.real()));
      default:
        throw Failure("keys must be str, int, float, bool or None, not " +
                      std::string(type_name(key)));
    }
  }

  void write_text(std::string_view text) {
    heap_.touch(text.size());
    out_ += '"';
    for (size_t at = 0; at < text.size();) {
      const size_t begin = at;
      const char32_t c = unicode::next(text, at);
      if (c == '"' || c == '\\') {
        out_ += {'\\', static_cast<char>(c)};
      } else if (c < 0x20) {
        write_control(c);
      } else if (c < 0x80 || !style_.ascii) {
        out_ += text.substr(begin, at - begin);
      } else if (c < 0x10000) {
        write_code(c);
      } else {
        write_code(0xD800 + ((c - 0x10000) >> 10));
        write_code(0xDC00 + ((c - 0x10000) & 0x3FF));
      }
    }
    out_ += '"';
  }

  void write_control(char32_t c) {
    constexpr std::string_view kCodes = "\b\t\n\f\r", kNames = "btnfr";
    const size_t i = kCodes.find(static_cast<char>(c));
    if (i == std::string_view::npos) {
      write_code(c);
    } else {
      out_ += {'\\', kNames[i]};
    }
  }

  void write_code(char32_t code) {
    out_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out_ += "0123456789abcdef"[code >> shift & 15];
  }

  Heap& heap_;
  const JsonStyle& style_;
  std::string out_;
};

}  // namespace

std::string to_json(Heap& heap, const Value& value, const JsonStyle& style) {
  return Writer(heap, style).run(value);
}

}  // namespace vecton::chat
