// StopStrings: ends a text where one of some strings is complete, whichever tokens it comes in.
// What may be the beginning of one is held back.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vecton::generation {

class StopStrings {
 public:
  // `include`: the string that ends the text stays in it.
  StopStrings(std::vector<std::string> strings, bool include);

  // More text; gives what is certain of it. Nothing once a string was found. `may_end` false: a
  // string that begins in this piece does not count.
  std::string push(std::string_view piece, bool may_end = true);
  // No more text comes: what was held back.
  std::string finish();

  // Which one was found: that which was complete first; of several, the first of the list.
  std::optional<size_t> found() const { return found_; }
  const std::string& string(size_t i) const { return strings_[i]; }

 private:
  size_t held_back() const;

  std::vector<std::string> strings_;
  bool include_;
  std::string pending_;       // not given out yet
  size_t searched_from_ = 0;  // in pending_
  std::optional<size_t> found_;
};

}  // namespace vecton::generation
