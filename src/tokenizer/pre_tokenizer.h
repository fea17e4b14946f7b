// Pre-tokenizers: the steps of tokenizer.json that cut normalized text into words, and sometimes
// rewrite them.
//
// Made once when a tokenizer is loaded, then immutable and used from any thread; each call works on
// its own Words.
#pragma once

#include <memory>
#include <vector>

#include "tokenizer/json_fields.h"
#include "tokenizer/pattern.h"
#include "tokenizer/text.h"

namespace vecton {

// A text and the words it has been cut into so far, in order; words are not empty.
struct Words {
  Text text;
  std::vector<Span> spans;
  bool starts_input = true;  // the text's first byte is the input's
  // Kept between calls so that cutting allocates nothing.
  std::vector<Span> matches, next;

  void reset();  // one word: the whole text
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(Words& words) const = 0;
};

// What to do with the matches of a pattern.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

// The bytes of text that byte-level models see are written as printable characters: 256 of them.
char32_t byte_level_character(uint8_t byte);
// The byte of a character, or -1.
int byte_level_byte(char32_t c);

// A null field gives nullptr: the text is one word. With `bytes_stay` a final ByteLevel step leaves
// the bytes as they are, for a model that reads bytes; ends_in_byte_level() says whether the last
// step is one.
std::unique_ptr<const PreTokenizer> make_pre_tokenizer(const Field& field, bool bytes_stay = false);
bool ends_in_byte_level(const Field& field);
// Whether a step asks where in the input a word starts, in a way that needs tracked texts.
bool asks_for_origins(const Field& field, bool normalized);

}  // namespace vecton
