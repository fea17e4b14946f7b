// LiteralReplacer: replaces a string by another in a text that comes in pieces. A value; one text
// at a time.
#pragma once

#include <string>
#include <string_view>

namespace vecton::tokenizer {

class LiteralReplacer {
 public:
  // An empty `from` is never found.
  LiteralReplacer(std::string_view from, std::string_view to) : from_(from), to_(to) {}

  // Appends to `out` what nothing that follows can change; what may be the start of a match waits.
  void put(std::string_view piece, std::string& out);
  // The text is over: the rest.
  void end(std::string& out);

 private:
  std::string from_, to_;
  std::string waiting_;
};

}  // namespace vecton::tokenizer
