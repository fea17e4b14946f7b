// The methods of text, in the order of their names.
#include <algorithm>

#include "chat/format.h"
#include "chat/markup.h"
#include "chat/methods.h"
#include "chat/operators.h"
#include "chat/pieces.h"
#include "chat/repr.h"
#include "chat/search.h"
#include "chat/unicode.h"

namespace vecton::chat {

namespace {

using Arg = const Arguments&;

const std::string& text_argument(const char* function, const Value& value) {
  if (!value.is_text()) {
    throw Failure(std::string(function) + "() argument must be str, not " + type_name(value));
  }
  return value.text();
}

Int count_argument(const Value& value, Int otherwise) {
  return value.missing() || value.is_none() ? otherwise : index_of(value);
}

Value result(Interpreter& interpreter, const Value& self, std::string text) {
  return interpreter.heap().text(std::move(text)).as_safe(self.safe());
}

// A list of parts of a text.
Value result(Interpreter& interpreter, const Value& self,
             const std::vector<std::string_view>& parts) {
  std::vector<Value> values;
  values.reserve(parts.size());
  for (const std::string_view part : parts)
    values.push_back(result(interpreter, self, std::string(part)));
  return interpreter.heap().list(std::move(values));
}

template <std::string (*Map)(std::string_view)>
Value mapped(Interpreter& interpreter, const Value& self, Arg arguments) {
  bind("str method", arguments, {});
  interpreter.heap().touch(self.text().size());
  return result(interpreter, self, Map(self.text()));
}

// Whether all characters are of a kind, and there is one.
template <bool (*Is)(char32_t)>
Value all(Interpreter& interpreter, const Value& self, Arg arguments) {
  bind("str method", arguments, {});
  interpreter.heap().touch(self.text().size());
  const std::string& text = self.text();
  for (size_t at = 0; at < text.size();) {
    if (!Is(unicode::next(text, at))) return Value::boolean(false);
  }
  return Value::boolean(!text.empty());
}

Value is_ascii(Interpreter&, const Value& self, Arg arguments) {
  bind("isascii", arguments, {});
  return Value::boolean(std::all_of(self.text().begin(), self.text().end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 128; }));
}

Value is_printable(Interpreter& interpreter, const Value& self, Arg arguments) {
  if (self.text().empty()) return Value::boolean(true);
  return all<unicode::is_printable>(interpreter, self, arguments);
}

Value is_identifier(Interpreter&, const Value& self, Arg arguments) {
  bind("isidentifier", arguments, {});
  const std::string& text = self.text();
  for (size_t at = 0; at < text.size();) {
    const bool first = at == 0;
    const char32_t c = unicode::next(text, at);
    if (first ? !unicode::is_identifier_start(c) : !unicode::is_identifier(c)) {
      return Value::boolean(false);
    }
  }
  return Value::boolean(!text.empty());
}

Value is_lower(Interpreter& interpreter, const Value& self, Arg arguments) {
  bind("islower", arguments, {});
  interpreter.heap().touch(self.text().size());
  return Value::boolean(is_lower_text(self.text()));
}

Value is_upper(Interpreter& interpreter, const Value& self, Arg arguments) {
  bind("isupper", arguments, {});
  interpreter.heap().touch(self.text().size());
  return Value::boolean(is_upper_text(self.text()));
}

Value is_title(Interpreter& interpreter, const Value& self, Arg arguments) {
  bind("istitle", arguments, {});
  interpreter.heap().touch(self.text().size());
  return Value::boolean(is_title_text(self.text()));
}

// The part of a text between two positions in characters, and where it starts.
struct Part {
  std::string_view text;
  Int start = 0;
  bool none = false;  // the start is behind the end of the text
};

Part part_of(Interpreter& interpreter, const Value& self, const Value& start, const Value& stop) {
  const std::string_view text = self.text();
  interpreter.heap().touch(text.size());
  if (start.missing() && stop.missing()) return {text, 0, false};
  const auto size = static_cast<Int>(unicode::length(text));
  const auto bound = [&](const Value& value, Int otherwise) {
    const Int index = count_argument(value, otherwise);
    return std::max<Int>(index < 0 ? index + size : index, 0);
  };
  const Int from = bound(start, 0), to = std::min(bound(stop, size), size);
  if (from > size || from > to) return {{}, from, true};
  const size_t begin = unicode::offset(text, static_cast<size_t>(from));
  const size_t end = unicode::offset(text, static_cast<size_t>(to));
  return {text.substr(begin, end - begin), from, false};
}

// Where a text is in the part of another, in characters; -1 when it is not.
Int found_at(Interpreter& interpreter, const Value& self, Arg arguments, const char* name,
             bool last) {
  const auto given = bind(name, arguments, {"sub", "start", "end"}, 1);
  const std::string& wanted = text_argument(name, given[0]);
  const Part part = part_of(interpreter, self, given[1], given[2]);
  if (part.none) return -1;
  const size_t at = last ? find_last(part.text, wanted) : find_text(part.text, wanted);
  if (at == std::string_view::npos) return -1;
  return part.start + static_cast<Int>(unicode::length(part.text.substr(0, at)));
}

Value find_method(Interpreter& interpreter, const Value& self, Arg arguments) {
  return Value::integer(found_at(interpreter, self, arguments, "find", false));
}

Value rfind(Interpreter& interpreter, const Value& self, Arg arguments) {
  return Value::integer(found_at(interpreter, self, arguments, "rfind", true));
}

Value index(Interpreter& interpreter, const Value& self, Arg arguments) {
  const Int at = found_at(interpreter, self, arguments, "index", false);
  if (at < 0) throw Failure("substring not found");
  return Value::integer(at);
}

Value rindex(Interpreter& interpreter, const Value& self, Arg arguments) {
  const Int at = found_at(interpreter, self, arguments, "rindex", true);
  if (at < 0) throw Failure("substring not found");
  return Value::integer(at);
}

Value count(Interpreter& interpreter, const Value& self, Arg arguments) {
  const auto given = bind("count", arguments, {"sub", "start", "end"}, 1);
  const std::string& wanted = text_argument("count", given[0]);
  const Part part = part_of(interpreter, self, given[1], given[2]);
  if (part.none) return Value::integer(0);
  if (wanted.empty()) return Value::integer(static_cast<Int>(unicode::length(part.text)) + 1);
  Int found = 0;
  for (size_t at = 0; (at = find_text(part.text, wanted, at)) != std::string_view::npos;
       at += wanted.size())
    ++found;
  return Value::integer(found);
}

template <bool AtStart>
Value affix(Interpreter& interpreter, const Value& self, Arg arguments) {
  const char* name = AtStart ? "startswith" : "endswith";
  const auto given = bind(name, arguments, {AtStart ? "prefix" : "suffix", "start", "end"}, 1);
  const Part part = part_of(interpreter, self, given[1], given[2]);
  const auto holds = [&](const Value& value) {
    const std::string& wanted = text_argument(name, value);
    return !part.none && (AtStart ? part.text.starts_with(wanted) : part.text.ends_with(wanted));
  };
  if (!given[0].is(Type::kTuple)) {
    if (!given[0].is_text()) {
      throw Failure(std::string(name) + " first arg must be str or a tuple of str, not " +
                    type_name(given[0]));
    }
    return Value::boolean(holds(given[0]));
  }
  const auto& wanted = given[0].items();
  interpreter.heap().step(wanted.size());
  return Value::boolean(std::any_of(wanted.begin(), wanted.end(), holds));
}

template <bool AtStart>
Value remove_affix(Interpreter& interpreter, const Value& self, Arg arguments) {
  const char* name = AtStart ? "removeprefix" : "removesuffix";
  const std::string wanted = text_argument(name, bind(name, arguments, {"affix"}, 1)[0]);
  std::string_view text = self.text();
  if (AtStart && text.starts_with(wanted)) text.remove_prefix(wanted.size());
  if (!AtStart && text.ends_with(wanted)) text.remove_suffix(wanted.size());
  return result(interpreter, self, std::string(text));
}

template <Side Where>
Value strip(Interpreter& interpreter, const Value& self, Arg arguments) {
  const Value chars = bind("strip", arguments, {"chars"})[0];
  interpreter.heap().touch(self.text().size());
  if (chars.missing() || chars.is_none()) {
    return result(interpreter, self, std::string(strip_space(self.text(), Where)));
  }
  const std::string& set = text_argument("strip", chars);
  interpreter.heap().step(self.text().size() / 64 * (set.size() / 64 + 1));
  return result(interpreter, self, std::string(strip_characters(self.text(), set, Where)));
}

template <bool FromRight>
Value split(Interpreter& interpreter, const Value& self, Arg arguments) {
  const auto given = bind("split", arguments, {"sep", "maxsplit"});
  const Int most = std::clamp<Int>(count_argument(given[1], -1), -1, Int{1} << 62);
  const auto limit = most < 0 ? SIZE_MAX : static_cast<size_t>(most);
  interpreter.heap().step(self.text().size() / 8);
  interpreter.heap().check_room(self.text().size() * 4);
  if (given[0].missing() || given[0].is_none()) {
    return result(interpreter, self, split_space(self.text(), limit, FromRight));
  }
  const std::string& separator = text_argument("split", given[0]);
  if (separator.empty()) throw Failure("empty separator");
  return result(interpreter, self, split_text(self.text(), separator, limit, FromRight));
}

Value lines(Interpreter& interpreter, const Value& self, Arg arguments) {
  const Value keep = bind("splitlines", arguments, {"keepends"})[0];
  interpreter.heap().step(self.text().size() / 8);
  interpreter.heap().check_room(self.text().size() * 4);
  return result(interpreter, self, split_lines(self.text(), truthy(keep)));
}

template <bool Last>
Value partition(Interpreter& interpreter, const Value& self, Arg arguments) {
  const char* name = Last ? "rpartition" : "partition";
  const std::string separator = text_argument(name, bind(name, arguments, {"sep"}, 1)[0]);
  if (separator.empty()) throw Failure("empty separator");
  const std::string& text = self.text();
  const size_t at = Last ? find_last(text, separator) : find_text(text, separator);
  const auto value = [&](std::string part) { return result(interpreter, self, std::move(part)); };
  Heap& heap = interpreter.heap();
  if (at == std::string::npos) {
    return Last ? heap.tuple({value(""), value(""), self})
                : heap.tuple({self, value(""), value("")});
  }
  return heap.tuple(
      {value(text.substr(0, at)), value(separator), value(text.substr(at + separator.size()))});
}

Value replace(Interpreter& interpreter, const Value& self, Arg arguments) {
  const auto given = bind("replace", arguments, {"old", "new", "count"}, 2);
  const std::string &from = text_argument("replace", given[0]),
                    &to = text_argument("replace", given[1]);
  const Int most = count_argument(given[2], -1);
  return result(interpreter, self,
                replace_text(interpreter.heap(), self.text(), from,
                             self.safe() && !given[1].safe() ? escape_markup(to) : to, most));
}

Value join(Interpreter& interpreter, const Value& self, Arg arguments) {
  const Value iterable = bind("join", arguments, {"iterable"}, 1)[0];
  std::string out;
  size_t i = 0;
  Heap& heap = interpreter.heap();
  for (const Value& item : items_of(heap, iterable)) {
    if (!item.is_text()) {
      throw Failure("sequence item " + std::to_string(i) + ": expected str instance, " +
                    type_name(item) + " found");
    }
    if (i++ > 0) out += self.text();
    out += self.safe() && !item.safe() ? escape_markup(item.text()) : item.text();
    heap.check_room(out.size());
  }
  return result(interpreter, self, std::move(out));
}

// left, right: parts of the missing width, of which `left_share` go to the left.
Value pad(Interpreter& interpreter, const Value& self, Arg arguments, const char* name,
          Align align) {
  const auto given = bind(name, arguments, {"width", "fillchar"}, 1);
  const std::string fill = given[1].missing() ? " " : text_argument(name, given[1]);
  if (unicode::length(fill) != 1) {
    throw Failure("The fill character must be exactly one character long");
  }
  return result(interpreter, self,
                pad_text(interpreter.heap(), self.text(), index_of(given[0]), fill, align));
}

Value center(Interpreter& interpreter, const Value& self, Arg arguments) {
  return pad(interpreter, self, arguments, "center", Align::kMiddle);
}

Value ljust(Interpreter& interpreter, const Value& self, Arg arguments) {
  return pad(interpreter, self, arguments, "ljust", Align::kLeft);
}

Value rjust(Interpreter& interpreter, const Value& self, Arg arguments) {
  return pad(interpreter, self, arguments, "rjust", Align::kRight);
}

Value zfill(Interpreter& interpreter, const Value& self, Arg arguments) {
  const Int width = index_of(bind("zfill", arguments, {"width"}, 1)[0]);
  const std::string& text = self.text();
  const size_t sign = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  return result(
      interpreter, self,
      text.substr(0, sign) + pad_text(interpreter.heap(), text.substr(sign),
                                      width - static_cast<Int>(sign), "0", Align::kRight));
}

Value tabs_expanded(Interpreter& interpreter, const Value& self, Arg arguments) {
  const Value size = bind("expandtabs", arguments, {"tabsize"})[0];
  return result(interpreter, self,
                expand_tabs(interpreter.heap(), self.text(), count_argument(size, 8)));
}

Value format(Interpreter& interpreter, const Value& self, Arg arguments) {
  return result(interpreter, self, format_braces(interpreter, self, arguments));
}

Value format_map(Interpreter& interpreter, const Value& self, Arg arguments) {
  const Value mapping = bind("format_map", arguments, {"mapping"}, 1)[0];
  if (!mapping.is(Type::kDict)) throw Failure("format_map() argument must be a mapping");
  Arguments named;
  for (const auto& [key, value] : mapping.get<Dict>().items) {
    if (key.is_text()) named.named.emplace_back(key.text(), value);
  }
  return result(interpreter, self, format_braces(interpreter, self, named));
}

constexpr Method kMethods[] = {
    {"capitalize", mapped<unicode::capitalize>},
    {"casefold", mapped<unicode::casefold>},
    {"center", center},
    {"count", count},
    {"endswith", affix<false>},
    {"expandtabs", tabs_expanded},
    {"find", find_method},
    {"format", format},
    {"format_map", format_map},
    {"index", index},
    {"isalnum", all<unicode::is_alnum>},
    {"isalpha", all<unicode::is_alpha>},
    {"isascii", is_ascii},
    {"isdecimal", all<unicode::is_decimal>},
    {"isdigit", all<unicode::is_digit>},
    {"isidentifier", is_identifier},
    {"islower", is_lower},
    {"isnumeric", all<unicode::is_numeric>},
    {"isprintable", is_printable},
    {"isspace", all<unicode::is_space>},
    {"istitle", is_title},
    {"isupper", is_upper},
    {"join", join},
    {"ljust", ljust},
    {"lower", mapped<unicode::lower>},
    {"lstrip", strip<Side::kLeft>},
    {"partition", partition<false>},
    {"removeprefix", remove_affix<true>},
    {"removesuffix", remove_affix<false>},
    {"replace", replace},
    {"rfind", rfind},
    {"rindex", rindex},
    {"rjust", rjust},
    {"rpartition", partition<true>},
    {"rsplit", split<true>},
    {"rstrip", strip<Side::kRight>},
    {"split", split<false>},
    {"splitlines", lines},
    {"startswith", affix<true>},
    {"strip", strip<Side::kBoth>},
    {"swapcase", mapped<unicode::swapcase>},
    {"title", mapped<unicode::title>},
    {"upper", mapped<unicode::upper>},
    {"zfill", zfill},
};

}  // namespace

const Method* find_text_method(std::string_view name) {
  const Method* found = std::lower_bound(
      std::begin(kMethods), std::end(kMethods), name,
      [](const Method& method, std::string_view wanted) { return method.name < wanted; });
  return found != std::end(kMethods) && found->name == name ? found : nullptr;
}

}  // namespace vecton::chat
