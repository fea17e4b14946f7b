#include "tokenizer/literal_replacer.h"

#include <algorithm>

namespace vecton::tokenizer {

void LiteralReplacer::put(std::string_view piece, std::string& out) {
  if (from_.empty()) {
    out += piece;
    return;
  }
  waiting_ += piece;
  size_t done = 0;
  for (size_t at; (at = waiting_.find(from_, done)) != std::string::npos; done = at + from_.size())
    out.append(waiting_, done, at - done).append(to_);
  // The longest end of the text that starts a match.
  size_t tail = std::min(waiting_.size() - done, from_.size() - 1);
  while (tail > 0 && waiting_.compare(waiting_.size() - tail, tail, from_, 0, tail) != 0) --tail;
  out.append(waiting_, done, waiting_.size() - tail - done);
  waiting_.erase(0, waiting_.size() - tail);
}

void LiteralReplacer::end(std::string& out) {
  out += waiting_;
  waiting_.clear();
}

}  // namespace vecton::tokenizer
