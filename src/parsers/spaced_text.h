// SpacedText: a text that is read from its beginning on, with white space between its parts.
#pragma once

#include <cstddef>
#include <string_view>

#include "parsers/characters.h"

namespace vecton::parsers {

class SpacedText {
 public:
  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }

 protected:
  explicit SpacedText(std::string_view text) : text_(text) {}

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  // Whether `c` is next, which is read then.
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace vecton::parsers
