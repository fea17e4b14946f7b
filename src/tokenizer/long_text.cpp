#include "tokenizer/long_text.h"

#include <algorithm>

#include "base/utf8.h"

namespace vecton::tokenizer {

namespace {

constexpr size_t kLeastPart = 1 << 14;  // bytes: shorter texts are read whole
constexpr size_t kTokenBytes = 8;       // of a token, more than most texts have
constexpr size_t kGrowth = 4;           // of the part, when it has too few tokens
constexpr size_t kLooked = 1 << 10;     // bytes from the cut in which a space is looked for
constexpr size_t kDropped = 64;         // tokens next to the cut

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// Where to cut near `at`, which is inside of `text`: before a space that follows a word, at most
// kLooked bytes earlier; else at a character.
size_t cut_near(std::string_view text, size_t at) {
  for (size_t place = at; place > 0 && at - place < kLooked; --place) {
    if (is_space(text[place]) && !is_space(text[place - 1])) return place;
  }
  return utf8::boundary(text, at);
}

void drop_near_cut(Tokens& tokens, bool left) {
  if (!left) return tokens.resize(tokens.ids.size() - kDropped);
  tokens.ids.erase(tokens.ids.begin(), tokens.ids.begin() + kDropped);
  if (tokens.with_spans) tokens.spans.erase(tokens.spans.begin(), tokens.spans.begin() + kDropped);
}

}  // namespace

bool encode_text(const Pipeline& pipeline, std::string_view text, int64_t most, bool left,
                 Tokens& out) {
  const size_t wanted = static_cast<size_t>(most) + 1 + kDropped;
  size_t part = std::max(kLeastPart, wanted * kTokenBytes);
  for (; most > 0 && part < text.size(); part *= kGrowth) {
    // The spaces before a word are read with it: a text's end has them, its beginning ends there.
    const size_t cut = cut_near(text, left ? text.size() - part : part);
    Tokens some;
    some.with_spans = out.with_spans;
    pipeline.encode(left ? text.substr(cut) : text.substr(0, cut), some);
    if (some.ids.size() < wanted) continue;
    drop_near_cut(some, left);
    const auto shift = static_cast<uint32_t>(left ? cut : 0);
    for (Span& span : some.spans) span = {span.begin + shift, span.end + shift};
    out = std::move(some);
    return true;
  }
  pipeline.encode(text, out);
  return false;
}

}  // namespace vecton::tokenizer
