#include "tokenizer/words.h"

namespace vecton::tokenizer {

void Words::reset() {
  spans.clear();
  if (!text.empty()) spans.push_back({0, static_cast<uint32_t>(text.bytes().size())});
}

void cut_by(SplitBehavior behavior, bool invert, const std::vector<Span>& matches, Span word,
            std::vector<Span>& out) {
  const size_t first = out.size();
  bool previous = false;
  const auto add = [&](uint32_t begin, uint32_t end, bool match) {
    if (match && behavior == SplitBehavior::kRemoved) return;
    const bool join = out.size() > first &&
                      ((behavior == SplitBehavior::kMergedWithPrevious && match && !previous) ||
                       (behavior == SplitBehavior::kMergedWithNext && previous && !match) ||
                       (behavior == SplitBehavior::kContiguous && match == previous));
    if (join) {
      out.back().end = end;
    } else {
      push_word(out, begin, end);
    }
    previous = match;
  };
  uint32_t done = word.begin;
  for (const Span match : matches) {
    const uint32_t begin = word.begin + match.begin, end = word.begin + match.end;
    if (done < begin) add(done, begin, invert);
    if (begin < end) add(begin, end, !invert);
    done = end;
  }
  if (done < word.end) add(done, word.end, invert);
}

void split(Words& words, const Pattern& pattern, SplitBehavior behavior, bool invert) {
  split_by(words, behavior, invert, [&](std::string_view word, std::vector<Span>& matches) {
    pattern.find_all(word, matches);
  });
}

}  // namespace vecton::tokenizer
