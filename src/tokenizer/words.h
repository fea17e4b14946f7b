// Words: a text and the words it has been cut into so far, and the ways to cut them further. Used
// by the pre-tokenizers; a value, each call works on its own.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/unicode.h"
#include "tokenizer/pattern.h"
#include "tokenizer/text.h"

namespace vecton::tokenizer {

// The words are in order and not empty.
struct Words {
  Text text;
  std::vector<Span> spans;
  bool starts_input = true;  // the text's first byte is the input's
  // Kept between calls so that cutting allocates nothing.
  std::vector<Span> matches, next;

  void reset();  // one word: the whole text
};

// What to do with the matches of a pattern.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

inline void push_word(std::vector<Span>& out, uint32_t begin, uint32_t end) {
  if (begin < end) out.push_back({begin, end});
}

// Cuts every word with `cut(word's bytes, first byte, out)`.
template <typename Cut>
void cut_words(Words& words, Cut&& cut) {
  words.next.clear();
  const std::string_view bytes = words.text.bytes();
  for (const Span word : words.spans)
    cut(bytes.substr(word.begin, word.end - word.begin), word.begin, words.next);
  words.spans.swap(words.next);
}

// Cuts a word into what matches and what does not, and joins them as `behavior` says. `matches` are
// relative to the word.
void cut_by(SplitBehavior behavior, bool invert, const std::vector<Span>& matches, Span word,
            std::vector<Span>& out);

// Cuts every word by what `find(word's bytes, matches)` finds.
template <typename Find>
void split_by(Words& words, SplitBehavior behavior, bool invert, Find&& find) {
  cut_words(words, [&](std::string_view word, uint32_t at, std::vector<Span>& out) {
    words.matches.clear();
    find(word, words.matches);
    cut_by(behavior, invert, words.matches, {at, static_cast<uint32_t>(at + word.size())}, out);
  });
}

void split(Words& words, const Pattern& pattern, SplitBehavior behavior, bool invert = false);

// Each character for which `test` holds is a match.
template <typename Test>
void split_characters(Words& words, Test&& test, SplitBehavior behavior) {
  split_by(words, behavior, false, [&](std::string_view word, std::vector<Span>& matches) {
    for (size_t at = 0; at < word.size();) {
      const size_t begin = at;
      if (test(unicode::next(word, at)))
        matches.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(at)});
    }
  });
}

}  // namespace vecton::tokenizer
