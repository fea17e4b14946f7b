// Filters that give text.
#include <algorithm>

#include "chat/filters.h"
#include "chat/format.h"
#include "chat/json_text.h"
#include "chat/markup.h"
#include "chat/operators.h"
#include "chat/pieces.h"
#include "chat/repr.h"
#include "chat/unicode.h"

namespace vecton::chat {

namespace {

using Arg = const Arguments&;

// soft_str(): text stays what it is, also when it is safe.
Value soft(Interpreter& interpreter, const Value& value) {
  return as_text(interpreter.heap(), value);
}

template <std::string (*Map)(std::string_view)>
Value mapped_text(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("filter", arguments, {});
  const Value text = soft(interpreter, value);
  interpreter.heap().touch(text.text().size());
  return interpreter.heap().text(Map(text.text())).as_safe(text.safe());
}

// Words as the filter sees them: what follows white space or an opening bracket.
std::string title_of_words(std::string_view text) {
  std::string out;
  bool in_word = false;
  std::string word;
  const auto end_word = [&] {
    if (word.empty()) return;
    size_t behind = 0;
    unicode::next(word, behind);
    out += unicode::upper(word.substr(0, behind)) + unicode::lower(word.substr(behind));
    word.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = unicode::next(text, at);
    const bool breaks =
        unicode::is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    if (breaks == in_word) end_word();
    in_word = !breaks;
    word += text.substr(begin, at - begin);
  }
  end_word();
  return out;
}

Value title(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("title", arguments, {});
  const std::string text = str(interpreter.heap(), value);
  return interpreter.heap().text(title_of_words(text));
}

Value to_string(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("string", arguments, {});
  return soft(interpreter, value);
}

Value trim(Interpreter& interpreter, const Value& value, Arg arguments) {
  const Value chars = bind("trim", arguments, {"chars"})[0];
  const Value text = soft(interpreter, value);
  Heap& heap = interpreter.heap();
  heap.touch(text.text().size());
  if (chars.missing() || chars.is_none()) {
    return heap.text(std::string(strip_space(text.text(), Side::kBoth))).as_safe(text.safe());
  }
  if (!chars.is_text()) throw Failure("strip arg must be None or str");
  return heap.text(std::string(strip_characters(text.text(), chars.text(), Side::kBoth)))
      .as_safe(text.safe());
}

Value replaced(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("replace", arguments, {"old", "new", "count"}, 2);
  Heap& heap = interpreter.heap();
  const Int most = given[2].missing() || given[2].is_none() ? -1 : index_of(given[2]);
  return heap.text(
      replace_text(heap, str(heap, value), str(heap, given[0]), str(heap, given[1]), most));
}

Value joined(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("join", arguments, {"d", "attribute"});
  Heap& heap = interpreter.heap();
  const std::string separator = given[0].missing() ? "" : str(heap, given[0]);
  std::string out;
  bool first = true;
  Items items(heap, value);
  for (Value item; items.next(item); first = false) {
    if (!first) out += separator;
    if (!given[1].missing()) item = attribute_of(interpreter, item, given[1]);
    out += str(heap, item);
    heap.check_room(out.size());
  }
  return heap.text(std::move(out));
}

Value centered(Interpreter& interpreter, const Value& value, Arg arguments) {
  const Value width = bind("center", arguments, {"width"})[0];
  const Value text = soft(interpreter, value);
  return interpreter.heap().text(pad_text(interpreter.heap(), text.text(),
                                          width.missing() ? 80 : index_of(width), " ",
                                          Align::kMiddle));
}

const std::string& need_text(const char* filter, const Value& value) {
  check_defined(value);
  if (!value.is_text()) {
    throw Failure(std::string(filter) + ": expected a string, not " + type_name(value));
  }
  return value.text();
}

Value indent(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("indent", arguments, {"width", "first", "blank"});
  Heap& heap = interpreter.heap();
  std::string by(4, ' ');
  if (given[0].is_text()) {
    by = given[0].text();
  } else if (!given[0].missing()) {
    by = pad_text(heap, "", index_of(given[0]), " ", Align::kLeft);
  }
  const std::string text = need_text("indent", value) + "\n";
  heap.touch(text.size());
  std::string out = truthy(given[1]) ? by : "";
  bool first = true;
  for (const std::string_view line : split_lines(text, false)) {
    if (!first) {
      out += '\n';
      if (!line.empty() || truthy(given[2])) out += by;
    }
    out += line;
    heap.step();
    heap.check_room(out.size());
    first = false;
  }
  return heap.text(std::move(out)).as_safe(value.safe());
}

Value truncate(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("truncate", arguments, {"length", "killwords", "end", "leeway"});
  Heap& heap = interpreter.heap();
  const Int length = given[0].missing() ? 255 : index_of(given[0]);
  const std::string end = given[2].missing() ? "..." : need_text("truncate", given[2]);
  const Int leeway = given[3].missing() || given[3].is_none() ? 5 : index_of(given[3]);
  const auto size = static_cast<Int>(unicode::length(end));
  if (length < size)
    throw Failure("expected length >= " + repr_int(size) + ", got " + repr_int(length));
  if (leeway < 0) throw Failure("expected leeway >= 0, got " + repr_int(leeway));
  if (static_cast<Int>(chat::length(value)) <= length + leeway) return value;
  const std::string& text = need_text("truncate", value);
  std::string cut = text.substr(0, unicode::offset(text, static_cast<size_t>(length - size)));
  if (!truthy(given[1])) {
    const size_t space = cut.rfind(' ');
    if (space != std::string::npos) cut.resize(space);
  }
  return heap.text(cut + end);
}

Value word_count(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("wordcount", arguments, {});
  const std::string text = str(interpreter.heap(), value);
  int64_t words = 0;
  bool in_word = false;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = unicode::next(text, at);
    const bool part = unicode::is_alnum(c) || c == '_';
    words += part && !in_word;
    in_word = part;
  }
  return Value::integer(words);
}

Value formatted(Interpreter& interpreter, const Value& value, Arg arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    throw Failure("can't handle positional and keyword arguments at the same time");
  }
  Heap& heap = interpreter.heap();
  const Value text = soft(interpreter, value);
  if (arguments.named.empty()) return format_percent(heap, text, heap.tuple(arguments.positional));
  auto named = std::make_unique<Dict>();
  for (const auto& [name, argument] : arguments.named) named->set(heap.text(name), argument);
  return format_percent(heap, text, heap.dict(std::move(named)));
}

Value escape_filter(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("escape", arguments, {});
  if (value.is_text() && value.safe()) return value;
  return interpreter.heap().text(escape_markup(str(interpreter.heap(), value))).as_safe(true);
}

Value force_escape(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("forceescape", arguments, {});
  return interpreter.heap().text(escape_markup(str(interpreter.heap(), value))).as_safe(true);
}

Value safe(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("safe", arguments, {});
  return soft(interpreter, value).as_safe(true);
}

Value strip_tags_filter(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("striptags", arguments, {});
  return interpreter.heap().text(strip_tags(str(interpreter.heap(), value)));
}

std::string separator_of(const Value& value) {
  if (!value.is_text()) throw Failure("tojson: separators must be strings");
  return value.text();
}

Value to_json_filter(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given =
      bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  Heap& heap = interpreter.heap();
  JsonStyle style;
  style.ascii = truthy(given[0]);
  style.sort_keys = truthy(given[3]);
  if (given[1].is_text()) {
    style.indent = given[1].text();
  } else if (!given[1].missing() && !given[1].is_none()) {
    style.indent = pad_text(heap, "", index_of(given[1]), " ", Align::kLeft);
  }
  if (style.indent) style.item_separator = ",";
  if (!given[2].missing() && !given[2].is_none()) {
    const std::vector<Value> separators = items_of(heap, given[2]);
    if (separators.size() != 2) throw Failure("tojson: expected two separators");
    style.item_separator = separator_of(separators[0]);
    style.key_separator = separator_of(separators[1]);
  }
  return heap.text(to_json(heap, value, style));
}

std::string percent_encoded(std::string_view text, std::string_view safe, bool plus) {
  std::string out;
  for (const char c : text) {
    const bool keep = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      std::string_view("_.-~").find(c) != std::string_view::npos ||
                      safe.find(c) != std::string_view::npos;
    if (keep) {
      out += c;
    } else if (c == ' ' && plus) {
      out += '+';
    } else {
      out += '%';
      out += "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4];
      out += "0123456789ABCDEF"[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

Value url_encode(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("urlencode", arguments, {});
  Heap& heap = interpreter.heap();
  if (value.is_text() || !is_iterable(value)) {
    return heap.text(percent_encoded(str(heap, value), "/", false));
  }
  std::string out;
  const auto pair = [&](const Value& key, const Value& item) {
    if (!out.empty()) out += '&';
    out += percent_encoded(str(heap, key), "", true) + "=" +
           percent_encoded(str(heap, item), "", true);
    heap.check_room(out.size());
  };
  if (value.is(Type::kDict)) {
    for (const auto& [key, item] : value.get<Dict>().items) pair(key, item);
    return heap.text(std::move(out));
  }
  Items items(heap, value);
  for (Value item; items.next(item);) {
    const std::vector<Value> parts = items_of(heap, item);
    if (parts.size() != 2) throw Failure("urlencode: expected pairs of key and value");
    pair(parts[0], parts[1]);
  }
  return heap.text(std::move(out));
}

Value xml_attributes(Interpreter& interpreter, const Value& value, Arg arguments) {
  const Value space = bind("xmlattr", arguments, {"autospace"})[0];
  if (!value.is(Type::kDict)) throw Failure("xmlattr: expected a mapping");
  Heap& heap = interpreter.heap();
  std::string out;
  for (const auto& [key, item] : value.get<Dict>().items) {
    if (item.is_none() || item.undefined()) continue;
    const std::string name = need_text("xmlattr", key);
    if (name.find_first_of(" \t\n\r\f\v/>=") != std::string::npos) {
      throw Failure("Invalid character in attribute name: " + repr_text(name));
    }
    const std::string text = str(heap, item);
    if (!out.empty()) out += ' ';
    out += escape_markup(name) + "=\"" + (item.safe() ? text : escape_markup(text)) + '"';
    heap.check_room(out.size());
  }
  if (!out.empty() && (space.missing() || truthy(space))) out.insert(0, " ");
  return heap.text(std::move(out));
}

constexpr Filter kTextFilters[] = {
    {"capitalize", mapped_text<unicode::capitalize>},
    {"center", centered},
    {"e", escape_filter},
    {"escape", escape_filter},
    {"forceescape", force_escape},
    {"format", formatted},
    {"indent", indent},
    {"join", joined},
    {"lower", mapped_text<unicode::lower>},
    {"replace", replaced},
    {"safe", safe},
    {"string", to_string},
    {"striptags", strip_tags_filter},
    {"title", title},
    {"tojson", to_json_filter},
    {"trim", trim},
    {"truncate", truncate},
    {"upper", mapped_text<unicode::upper>},
    {"urlencode", url_encode},
    {"wordcount", word_count},
    {"xmlattr", xml_attributes},
};

}  // namespace

const Filter* find_text_filter(std::string_view name) { return find_in(kTextFilters, name); }

}  // namespace vecton::chat
