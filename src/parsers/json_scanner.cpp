#include "parsers/json_scanner.h"

#include "parsers/characters.h"

namespace vecton::parsers {

JsonScanner::Step JsonScanner::put(char c) {
  if (string_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      string_ = false;
      return depth_ == 0 ? Step::kLast : Step::kMore;
    }
    return Step::kMore;
  }
  const bool first = first_;
  first_ = false;
  if (c == '"') {
    if (!first && depth_ == 0) return Step::kPast;
    string_ = true;
    return Step::kMore;
  }
  if (c == '{' || c == '[') {
    if (!first && depth_ == 0) return Step::kPast;
    ++depth_;
    return Step::kMore;
  }
  if (depth_ > 0) {
    if (c != '}' && c != ']') return Step::kMore;
    return --depth_ == 0 ? Step::kLast : Step::kMore;
  }
  const bool scalar = is_letter(c) || is_digit(c) || c == '-' || c == '+' || c == '.';
  return scalar ? Step::kMore : Step::kPast;
}

}  // namespace vecton::parsers
