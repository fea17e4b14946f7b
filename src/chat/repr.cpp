#include "chat/repr.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "chat/interpreter.h"
#include "chat/unicode.h"

namespace vecton::chat {

namespace {

void append(Heap& heap, std::string& out, const Value& value);

void append_items(Heap& heap, std::string& out, const std::vector<Value>& items) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ", ";
    append(heap, out, items[i]);
  }
}

void append_dict(Heap& heap, std::string& out, const Dict& dict) {
  out += '{';
  for (size_t i = 0; i < dict.items.size(); ++i) {
    if (i > 0) out += ", ";
    append(heap, out, dict.items[i].first);
    out += ": ";
    append(heap, out, dict.items[i].second);
  }
  out += '}';
}

void append_view(Heap& heap, std::string& out, const Value& value) {
  const std::vector<Value> items = items_of(heap, value);
  out += type_name(value);
  out += "([";
  append_items(heap, out, items);
  out += "])";
}

void append_range(std::string& out, const Range& range) {
  out += "range(" + repr_int(range.start) + ", " + repr_int(range.stop);
  if (range.step != 1) out += ", " + repr_int(range.step);
  out += ')';
}

void append(Heap& heap, std::string& out, const Value& value) {
  const Heap::Depth depth(heap);
  heap.step();
  if (out.size() > (1 << 20)) heap.check_room(out.size());
  switch (value.type()) {
    case Type::kMissing:
    case Type::kUndefined:
      out += "Undefined";
      break;
    case Type::kNone:
      out += "None";
      break;
    case Type::kBool:
      out += value.boolean() ? "True" : "False";
      break;
    case Type::kInt:
      out += repr_int(value.integer());
      break;
    case Type::kFloat:
      out += repr_float(value.real());
      break;
    case Type::kText:
      heap.touch(value.text().size());
      out += value.safe() ? "Markup(" + repr_text(value.text()) + ")" : repr_text(value.text());
      break;
    case Type::kList:
      out += '[';
      append_items(heap, out, value.items());
      out += ']';
      break;
    case Type::kTuple:
      out += '(';
      append_items(heap, out, value.items());
      out += value.items().size() == 1 ? ",)" : ")";
      break;
    case Type::kDict:
      append_dict(heap, out, value.get<Dict>());
      break;
    case Type::kRange:
      append_range(out, value.get<Range>());
      break;
    case Type::kView:
      append_view(heap, out, value);
      break;
    case Type::kIterator:
      out += "<generator object>";
      break;
    case Type::kNamespace:
      out += "<Namespace ";
      append_dict(heap, out, value.get<Namespace>().attributes);
      out += '>';
      break;
    case Type::kLoop:
      out += value.get<Loop>().repr();
      break;
    case Type::kCallable:
      out += value.get<Callable>().repr();
      break;
  }
}

void append_escape(std::string& out, char32_t c) {
  constexpr char kHex[] = "0123456789abcdef";
  const int digits = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
  out += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
  for (int i = digits - 1; i >= 0; --i) out += kHex[c >> (4 * i) & 15];
}

}  // namespace

std::string repr_text(std::string_view text) {
  const bool doubled =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = doubled ? '"' : '\'';
  std::string out(1, quote);
  for (size_t at = 0; at < text.size();) {
    const char32_t c = unicode::next(text, at);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\\' || c == static_cast<char32_t>(quote)) {
      out += {'\\', static_cast<char>(c)};
    } else if (unicode::is_printable(c)) {
      unicode::append(out, c);
    } else {
      append_escape(out, c);
    }
  }
  return out + quote;
}

std::string repr_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific).ptr;
  const std::string_view shortest(buffer, static_cast<size_t>(end - buffer));
  const size_t e = shortest.find('e');
  const int exponent = std::stoi(std::string(shortest.substr(e + 1)));
  std::string digits, out;
  for (const char c : shortest.substr(0, e)) {
    if (c == '-') {
      out = "-";
    } else if (c != '.') {
      digits += c;
    }
  }
  const int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (count > 1) out += "." + digits.substr(1);
    const std::string power = std::to_string(std::abs(exponent));
    return out + (exponent < 0 ? "e-" : "e+") + (power.size() < 2 ? "0" : "") + power;
  }
  if (exponent < 0)
    return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (exponent + 1 >= count) {
    return out + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  }
  return out + digits.substr(0, static_cast<size_t>(exponent) + 1) + "." +
         digits.substr(static_cast<size_t>(exponent) + 1);
}

std::string repr_int(Int value) {
  unsigned __int128 rest = value < 0 ? -static_cast<unsigned __int128>(value) : value;
  std::string out;
  do {
    out += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (value < 0) out += '-';
  std::reverse(out.begin(), out.end());
  return out;
}

std::string repr(Heap& heap, const Value& value) {
  std::string out;
  append(heap, out, value);
  return out;
}

std::string str(Heap& heap, const Value& value) {
  if (value.is_text()) {
    heap.touch(value.text().size());
    return value.text();
  }
  if (value.undefined() || value.missing()) return "";
  return repr(heap, value);
}

Value as_text(Heap& heap, const Value& value) {
  return value.is_text() ? value : heap.text(str(heap, value));
}

}  // namespace vecton::chat
