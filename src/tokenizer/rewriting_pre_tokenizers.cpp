// The pre-tokenizers that write the text anew: bytes as characters, spaces as a visible character.
#include <utility>

#include "tokenizer/byte_level.h"
#include "tokenizer/pre_tokenizer.h"

namespace vecton::tokenizer {

namespace {

class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(const Field& field, bool bytes_stay)
      : prefix_space_(field.boolean_or("add_prefix_space", true)), bytes_stay_(bytes_stay) {
    if (field.boolean_or("use_regex", true)) pattern_ = make_known_pattern(kGpt2Expression);
  }

  void apply(Words& words) const override {
    if (prefix_space_) add_prefix_spaces(words);
    if (pattern_) split(words, *pattern_, SplitBehavior::kIsolated);
    if (!bytes_stay_) write_bytes(words);
  }

 private:
  static void add_prefix_spaces(Words& words) {
    bool missing = false;
    for (const Span word : words.spans) missing |= words.text.bytes()[word.begin] != ' ';
    if (!missing) return;
    Text out = words.text.empty_like();
    for (Span& word : words.spans) {
      const uint32_t begin = static_cast<uint32_t>(out.bytes().size());
      if (words.text.bytes()[word.begin] != ' ')
        out.append(" ", words.text.origin({word.begin, word.begin + 1}));
      out.append(words.text, word);
      word = {begin, static_cast<uint32_t>(out.bytes().size())};
    }
    words.text = std::move(out);
  }

  static void write_bytes(Words& words) {
    Text out = words.text.empty_like();
    for (Span& word : words.spans) {
      const uint32_t begin = static_cast<uint32_t>(out.bytes().size());
      for (uint32_t at = word.begin; at < word.end; ++at) {
        char bytes[4];
        const size_t size = unicode::write(byte_level_character(words.text.bytes()[at]), bytes);
        out.append({bytes, size}, words.text.origin({at, at + 1}));
      }
      word = {begin, static_cast<uint32_t>(out.bytes().size())};
    }
    words.text = std::move(out);
  }

  bool prefix_space_, bytes_stay_;
  std::unique_ptr<const Pattern> pattern_;
};

// Writes spaces as a visible character, puts one before the text, and splits before each.
class Metaspace : public PreTokenizer {
 public:
  explicit Metaspace(const Field& field) : replacement_(field.string_or("replacement", "\u2581")) {
    if (replacement_.empty() || replacement_.size() != unicode::length_at(replacement_, 0)) {
      field["replacement"].fail(ErrorCode::kCorrupt, "must be one character");
    }
    const std::string scheme = field.string_or(
        "prepend_scheme", field.boolean_or("add_prefix_space", true) ? "always" : "never");
    if (scheme != "always" && scheme != "first" && scheme != "never")
      field["prepend_scheme"].unsupported(scheme);
    always_ = scheme == "always";
    first_ = scheme == "first";
    pattern_ = make_literal(replacement_);
    split_ = field.boolean_or("split", true);
  }

  void apply(Words& words) const override {
    Text out = words.text.empty_like();
    const std::string_view bytes = words.text.bytes();
    for (Span& word : words.spans) {
      const uint32_t begin = static_cast<uint32_t>(out.bytes().size());
      const std::string_view part = bytes.substr(word.begin, word.end - word.begin);
      const bool marked = part[0] == ' ' || part.starts_with(replacement_);
      if (!marked && (always_ || (first_ && starts_input(words, word)))) {
        out.append(replacement_, words.text.origin({word.begin, word.begin + 1}));
      }
      uint32_t at = word.begin;
      for (size_t space;
           (space = bytes.substr(0, word.end).find(' ', at)) != std::string_view::npos;) {
        out.append(words.text, {at, static_cast<uint32_t>(space)});
        at = static_cast<uint32_t>(space) + 1;
        out.append(replacement_, words.text.origin({at - 1, at}));
      }
      out.append(words.text, {at, word.end});
      word = {begin, static_cast<uint32_t>(out.bytes().size())};
    }
    words.text = std::move(out);
    if (split_) split(words, *pattern_, SplitBehavior::kMergedWithNext);
  }

 private:
  static bool starts_input(const Words& words, Span word) {
    if (words.text.tracked()) return words.text.origin(word).begin == 0;
    return words.starts_input && word.begin == 0;
  }

  std::string replacement_;
  bool always_, first_, split_;
  std::unique_ptr<const Pattern> pattern_;
};

}  // namespace

std::unique_ptr<const PreTokenizer> make_byte_level(const Field& field, bool bytes_stay) {
  return std::make_unique<ByteLevel>(field, bytes_stay);
}

std::unique_ptr<const PreTokenizer> make_metaspace(const Field& field) {
  return std::make_unique<Metaspace>(field);
}

}  // namespace vecton::tokenizer
