#include "chat/pieces.h"

#include <algorithm>
#include <set>

#include "chat/search.h"
#include "chat/unicode.h"

namespace vecton::chat {

namespace {

template <typename Drop>
std::string_view strip_if(std::string_view text, Side side, Drop&& drop) {
  if (side != Side::kRight) {
    size_t begin = 0;
    while (begin < text.size()) {
      size_t behind = begin;
      if (!drop(unicode::next(text, behind))) break;
      begin = behind;
    }
    text.remove_prefix(begin);
  }
  if (side != Side::kLeft) {
    size_t end = text.size();
    while (end > 0) {
      const size_t before = utf8::previous(text, end);
      size_t at = before;
      if (!drop(unicode::next(text, at))) break;
      end = before;
    }
    text = text.substr(0, end);
  }
  return text;
}

bool is_line_end(char32_t c) {
  return (c >= '\n' && c <= '\r') || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

}  // namespace

std::string_view strip_space(std::string_view text, Side side) {
  return strip_if(text, side, unicode::is_space);
}

std::string_view strip_characters(std::string_view text, std::string_view set, Side side) {
  std::u32string characters;
  for (size_t at = 0; at < set.size();) characters += unicode::next(set, at);
  std::sort(characters.begin(), characters.end());
  return strip_if(text, side, [&](char32_t c) {
    return std::binary_search(characters.begin(), characters.end(), c);
  });
}

std::vector<std::string_view> split_space(std::string_view text, size_t limit, bool from_right) {
  std::vector<std::string_view> parts;
  if (from_right) {
    for (text = strip_space(text, Side::kRight); !text.empty();
         text = strip_space(text, Side::kRight)) {
      if (parts.size() == limit) {
        parts.push_back(text);
        break;
      }
      const std::string_view rest =
          strip_if(text, Side::kRight, [](char32_t c) { return !unicode::is_space(c); });
      parts.push_back(text.substr(rest.size()));
      text = rest;
    }
    std::reverse(parts.begin(), parts.end());
    return parts;
  }
  for (text = strip_space(text, Side::kLeft); !text.empty();
       text = strip_space(text, Side::kLeft)) {
    if (parts.size() == limit) {
      parts.push_back(text);
      break;
    }
    const std::string_view rest =
        strip_if(text, Side::kLeft, [](char32_t c) { return !unicode::is_space(c); });
    parts.push_back(text.substr(0, text.size() - rest.size()));
    text = rest;
  }
  return parts;
}

size_t find_last(std::string_view text, std::string_view needle) {
  if (needle.empty()) return text.size();
  if (needle.size() > text.size()) return std::string_view::npos;
  // The first place in the reversed texts, for the sake of time that grows with their lengths.
  const std::string reversed(text.rbegin(), text.rend()), wanted(needle.rbegin(), needle.rend());
  const size_t at = find_text(reversed, wanted);
  return at == std::string::npos ? at : text.size() - at - needle.size();
}

std::vector<std::string_view> split_text(std::string_view text, std::string_view separator,
                                         size_t limit, bool from_right) {
  std::vector<std::string_view> parts;
  if (!from_right) {
    size_t begin = 0;
    while (parts.size() < limit) {
      const size_t at = find_text(text, separator, begin);
      if (at == std::string_view::npos) break;
      parts.push_back(text.substr(begin, at - begin));
      begin = at + separator.size();
    }
    parts.push_back(text.substr(begin));
    return parts;
  }
  const std::string reversed(text.rbegin(), text.rend()),
      wanted(separator.rbegin(), separator.rend());
  size_t begin = 0;  // in the reversed text
  while (parts.size() < limit) {
    const size_t at = find_text(reversed, wanted, begin);
    if (at == std::string::npos) break;
    parts.push_back(text.substr(text.size() - at, at - begin));
    begin = at + separator.size();
  }
  parts.push_back(text.substr(0, text.size() - begin));
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = at;
    const char32_t c = unicode::next(text, at);
    if (!is_line_end(c)) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    lines.push_back(text.substr(begin, (keep_ends ? at : end) - begin));
    begin = at;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

std::string replace_text(Heap& heap, std::string_view text, std::string_view from,
                         std::string_view to, Int most) {
  heap.touch(text.size());
  std::string out;
  const auto append = [&](std::string_view part) {
    out += part;
    if (out.size() > (1 << 16)) heap.check_room(out.size());
  };
  Int done = 0;
  size_t at = 0;
  while (most < 0 || done < most) {
    if (from.empty()) {  // before each character, and at the end
      append(to);
      ++done;
      if (at >= text.size()) break;
      const size_t begin = at;
      unicode::next(text, at);
      append(text.substr(begin, at - begin));
      continue;
    }
    const size_t found = find_text(text, from, at);
    if (found == std::string_view::npos) break;
    append(text.substr(at, found - at));
    append(to);
    at = found + from.size();
    ++done;
  }
  append(text.substr(std::min(at, text.size())));
  return out;
}

std::string pad_text(Heap& heap, std::string_view text, Int width, std::string_view fill,
                     Align align) {
  const auto size = static_cast<Int>(unicode::length(text));
  if (width <= size) return std::string(text);
  const Int missing = width - size;
  if (missing > static_cast<Int>(heap.limits().memory)) heap.check_room(heap.limits().memory + 1);
  heap.check_room(static_cast<size_t>(missing) * fill.size());
  const Int left = align == Align::kLeft    ? 0
                   : align == Align::kRight ? missing
                                            : missing / 2 + (missing & width & 1);
  std::string out;
  for (Int i = 0; i < left; ++i) out += fill;
  out += text;
  for (Int i = left; i < missing; ++i) out += fill;
  return out;
}

std::string expand_tabs(Heap& heap, std::string_view text, Int size) {
  std::string out;
  Int column = 0;
  const Int width = std::clamp<Int>(size, 0, static_cast<Int>(heap.limits().memory));
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = unicode::next(text, at);
    if (c == '\t') {
      const Int spaces = width > 0 ? width - column % width : 0;
      heap.check_room(out.size() + static_cast<size_t>(spaces));
      out.append(static_cast<size_t>(spaces), ' ');
      column += spaces;
    } else {
      out += text.substr(begin, at - begin);
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
  }
  return out;
}

bool is_lower_text(std::string_view text) {
  bool cased = false;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = unicode::next(text, at);
    if (unicode::is_upper(c) || unicode::is_title(c)) return false;
    cased = cased || unicode::is_lower(c);
  }
  return cased;
}

bool is_upper_text(std::string_view text) {
  bool cased = false;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = unicode::next(text, at);
    if (unicode::is_lower(c) || unicode::is_title(c)) return false;
    cased = cased || unicode::is_upper(c);
  }
  return cased;
}

bool is_title_text(std::string_view text) {
  bool cased = false, in_word = false;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = unicode::next(text, at);
    if (unicode::is_upper(c) || unicode::is_title(c)) {
      if (in_word) return false;
      in_word = cased = true;
    } else if (unicode::is_lower(c)) {
      if (!in_word) return false;
      cased = true;
    } else {
      in_word = false;
    }
  }
  return cased;
}

}  // namespace vecton::chat
