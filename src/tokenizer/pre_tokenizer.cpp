#include "tokenizer/pre_tokenizer.h"

#include <array>
#include <utility>

#include "tokenizer/scripts.h"

namespace vecton {

void Words::reset() {
  spans.clear();
  if (!text.empty()) spans.push_back({0, static_cast<uint32_t>(text.bytes().size())});
}

namespace {

// Cuts every word with `cut(word's bytes, first byte, out)`.
template <typename Cut>
void cut_words(Words& words, Cut&& cut) {
  words.next.clear();
  const std::string_view bytes = words.text.bytes();
  for (const Span word : words.spans)
    cut(bytes.substr(word.begin, word.end - word.begin), word.begin, words.next);
  words.spans.swap(words.next);
}

void push(std::vector<Span>& out, uint32_t begin, uint32_t end) {
  if (begin < end) out.push_back({begin, end});
}

// A stretch of a word that matched or did not.
struct Stretch {
  Span span;
  bool match;
};

// Cuts a word into stretches and joins them as `behavior` says. `matches` are relative to the word.
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
      push(out, begin, end);
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

SplitBehavior split_behavior(const Field& field) {
  const std::string_view name = field.string();
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  field.unsupported(name);
}

void split(Words& words, const Pattern& pattern, SplitBehavior behavior, bool invert) {
  cut_words(words, [&](std::string_view word, uint32_t at, std::vector<Span>& out) {
    words.matches.clear();
    pattern.find_all(word, words.matches);
    cut_by(behavior, invert, words.matches, {at, static_cast<uint32_t>(at + word.size())}, out);
  });
}

// A match for each character for which `test` holds.
template <typename Test>
void find_characters(std::string_view word, Test&& test, std::vector<Span>& matches) {
  for (size_t at = 0; at < word.size();) {
    const size_t begin = at;
    if (test(unicode::next(word, at)))
      matches.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(at)});
  }
}

class Sequence : public PreTokenizer {
 public:
  Sequence(const Field& field, bool bytes_stay) {
    const Field items = field["pretokenizers"];
    const size_t count = items.array().size();
    for (size_t i = 0; i < count; ++i) {
      if (auto step = make_pre_tokenizer(items[i], bytes_stay && i + 1 == count))
        steps_.push_back(std::move(step));
    }
  }
  void apply(Words& words) const override {
    for (const auto& step : steps_) step->apply(words);
  }

 private:
  std::vector<std::unique_ptr<const PreTokenizer>> steps_;
};

// Splits on white space, which goes, and on punctuation, which stays.
class BertPreTokenizer : public PreTokenizer {
 public:
  BertPreTokenizer() {
    for (char32_t c = 0; c < 128; ++c) ascii_[c] = classify(c);
  }

  void apply(Words& words) const override {
    cut_words(words, [this](std::string_view word, uint32_t shift, std::vector<Span>& out) {
      size_t begin = 0, at = 0;
      const auto flush = [&](size_t end) { push(out, shift + begin, shift + end); };
      while (at < word.size()) {
        const size_t start = at;
        const unsigned char byte = word[at];
        Kind kind;
        if (byte < 0x80) {
          kind = ascii_[byte];
          ++at;
        } else {
          kind = classify(unicode::next(word, at));
        }
        if (kind == kInside) continue;
        flush(start);
        begin = kind == kSpace ? at : start;
        if (kind == kAlone) {
          flush(at);
          begin = at;
        }
      }
      flush(word.size());
    });
  }

 private:
  enum Kind : uint8_t { kInside, kSpace, kAlone };
  static Kind classify(char32_t c) {
    if (unicode::is_white_space(c)) return kSpace;
    return unicode::is_bert_punctuation(c) ? kAlone : kInside;
  }
  Kind ascii_[128];
};

class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(const Field& field, bool bytes_stay)
      : prefix_space_(field.boolean_or("add_prefix_space", true)), bytes_stay_(bytes_stay) {
    if (field.boolean_or("use_regex", true)) pattern_ = make_known_pattern(kGpt2Expression);
  }

  void apply(Words& words) const override {
    if (prefix_space_) add_prefix_spaces(words);
    if (pattern_) split(words, *pattern_, SplitBehavior::kIsolated, false);
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

class Split : public PreTokenizer {
 public:
  explicit Split(const Field& field)
      : pattern_(make_pattern(field["pattern"])),
        behavior_(split_behavior(field["behavior"])),
        invert_(field.boolean_or("invert", false)) {}
  void apply(Words& words) const override { split(words, *pattern_, behavior_, invert_); }

 private:
  std::unique_ptr<const Pattern> pattern_;
  SplitBehavior behavior_;
  bool invert_;
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
    if (split_) split(words, *pattern_, SplitBehavior::kMergedWithNext, false);
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

class WhitespaceSplit : public PreTokenizer {
 public:
  void apply(Words& words) const override {
    cut_words(words, [&](std::string_view word, uint32_t at, std::vector<Span>& out) {
      words.matches.clear();
      find_characters(word, unicode::is_white_space, words.matches);
      cut_by(SplitBehavior::kRemoved, false, words.matches,
             {at, static_cast<uint32_t>(at + word.size())}, out);
    });
  }
};

// \w+|[^\w\s]+
class Whitespace : public PreTokenizer {
 public:
  void apply(Words& words) const override {
    cut_words(words, [](std::string_view word, uint32_t shift, std::vector<Span>& out) {
      enum Kind { kSpace, kWord, kOther } kind = kSpace;
      uint32_t begin = 0;
      for (size_t at = 0; at < word.size();) {
        const uint32_t start = static_cast<uint32_t>(at);
        const char32_t c = unicode::next(word, at);
        const Kind now = unicode::is_word(c) ? kWord : unicode::is_white_space(c) ? kSpace : kOther;
        if (now == kind) continue;
        if (kind != kSpace) push(out, shift + begin, shift + start);
        begin = start;
        kind = now;
      }
      if (kind != kSpace) push(out, shift + begin, static_cast<uint32_t>(shift + word.size()));
    });
  }
};

class Punctuation : public PreTokenizer {
 public:
  explicit Punctuation(const Field& field)
      : behavior_(field.has("behavior") ? split_behavior(field["behavior"])
                                        : SplitBehavior::kIsolated) {}
  void apply(Words& words) const override {
    cut_words(words, [&](std::string_view word, uint32_t at, std::vector<Span>& out) {
      words.matches.clear();
      find_characters(word, unicode::is_bert_punctuation, words.matches);
      cut_by(behavior_, false, words.matches, {at, static_cast<uint32_t>(at + word.size())}, out);
    });
  }

 private:
  SplitBehavior behavior_;
};

class Digits : public PreTokenizer {
 public:
  explicit Digits(const Field& field)
      : behavior_(field.boolean_or("individual_digits", false) ? SplitBehavior::kIsolated
                                                               : SplitBehavior::kContiguous) {}
  void apply(Words& words) const override {
    cut_words(words, [&](std::string_view word, uint32_t at, std::vector<Span>& out) {
      words.matches.clear();
      find_characters(word, unicode::is_numeric, words.matches);
      cut_by(behavior_, false, words.matches, {at, static_cast<uint32_t>(at + word.size())}, out);
    });
  }

 private:
  SplitBehavior behavior_;
};

// Cuts where the script changes. Characters of no script join what stands before them; at the start
// they are dropped, as the reference drops them.
class UnicodeScripts : public PreTokenizer {
 public:
  void apply(Words& words) const override {
    cut_words(words, [](std::string_view word, uint32_t shift, std::vector<Span>& out) {
      uint32_t begin = 0;
      uint8_t last = kAnyScript;
      for (size_t at = 0; at < word.size();) {
        const uint32_t start = static_cast<uint32_t>(at);
        const uint8_t script = script_of(unicode::next(word, at));
        if (script == kAnyScript || script == last) continue;
        if (last != kAnyScript) push(out, shift + begin, shift + start);
        begin = start;
        last = script;
      }
      if (last != kAnyScript) push(out, shift + begin, static_cast<uint32_t>(shift + word.size()));
    });
  }
};

// Splits on one character, which goes.
class CharDelimiterSplit : public PreTokenizer {
 public:
  explicit CharDelimiterSplit(const Field& field) {
    const std::string_view text = field["delimiter"].string();
    if (text.empty() || text.size() != unicode::length_at(text, 0))
      field["delimiter"].fail(ErrorCode::kCorrupt, "must be one character");
    pattern_ = make_literal(std::string(text));
  }
  void apply(Words& words) const override {
    split(words, *pattern_, SplitBehavior::kRemoved, false);
  }

 private:
  std::unique_ptr<const Pattern> pattern_;
};

// Cuts after every so many characters.
class FixedLength : public PreTokenizer {
 public:
  explicit FixedLength(const Field& field)
      : length_(field.has("length") ? field["length"].count() : 5) {
    if (length_ < 1) field["length"].fail(ErrorCode::kCorrupt, "must be at least 1");
  }
  void apply(Words& words) const override {
    cut_words(words, [this](std::string_view word, uint32_t shift, std::vector<Span>& out) {
      for (size_t at = 0; at < word.size();) {
        const size_t begin = at;
        for (int64_t i = 0; i < length_ && at < word.size(); ++i)
          at += unicode::length_at(word, at);
        push(out, static_cast<uint32_t>(shift + begin), static_cast<uint32_t>(shift + at));
      }
    });
  }

 private:
  int64_t length_;
};

struct ByteLevelTable {
  char32_t character[256];
  int16_t byte[0x144];
};

constexpr ByteLevelTable kByteLevel = [] {
  ByteLevelTable table{};
  for (int16_t& byte : table.byte) byte = -1;
  char32_t moved = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    table.character[byte] = printable ? byte : moved++;
    table.byte[table.character[byte]] = static_cast<int16_t>(byte);
  }
  return table;
}();

}  // namespace

char32_t byte_level_character(uint8_t byte) { return kByteLevel.character[byte]; }

int byte_level_byte(char32_t c) { return c < std::size(kByteLevel.byte) ? kByteLevel.byte[c] : -1; }

std::unique_ptr<const PreTokenizer> make_pre_tokenizer(const Field& field, bool bytes_stay) {
  if (field.is_null()) return nullptr;
  const std::string_view type = field["type"].string();
  if (type == "Sequence") return std::make_unique<Sequence>(field, bytes_stay);
  if (type == "BertPreTokenizer") return std::make_unique<BertPreTokenizer>();
  if (type == "ByteLevel") return std::make_unique<ByteLevel>(field, bytes_stay);
  if (type == "Split") return std::make_unique<Split>(field);
  if (type == "Metaspace") return std::make_unique<Metaspace>(field);
  if (type == "WhitespaceSplit") return std::make_unique<WhitespaceSplit>();
  if (type == "Whitespace") return std::make_unique<Whitespace>();
  if (type == "Punctuation") return std::make_unique<Punctuation>(field);
  if (type == "Digits") return std::make_unique<Digits>(field);
  if (type == "CharDelimiterSplit") return std::make_unique<CharDelimiterSplit>(field);
  if (type == "FixedLength") return std::make_unique<FixedLength>(field);
  if (type == "UnicodeScripts") return std::make_unique<UnicodeScripts>();
  field.unsupported(type);
}

bool ends_in_byte_level(const Field& field) {
  if (field.is_null()) return false;
  const std::string_view type = field["type"].string();
  if (type != "Sequence") return type == "ByteLevel";
  const Field items = field["pretokenizers"];
  return !items.array().empty() && ends_in_byte_level(items[items.array().size() - 1]);
}

bool asks_for_origins(const Field& field, bool normalized) {
  if (field.is_null()) return false;
  const std::string_view type = field["type"].string();
  if (type == "Metaspace") return normalized && field.string_or("prepend_scheme", "") == "first";
  if (type != "Sequence") return false;
  const Field items = field["pretokenizers"];
  for (size_t i = 0; i < items.array().size(); ++i) {
    // A word behind the first one may start the input once the step before has rewritten the text.
    if (asks_for_origins(items[i], normalized || i > 0)) return true;
  }
  return false;
}

}  // namespace vecton
