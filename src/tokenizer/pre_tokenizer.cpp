#include "tokenizer/pre_tokenizer.h"

#include <utility>

#include "tokenizer/scripts.h"

namespace vecton::tokenizer {

namespace {

SplitBehavior split_behavior(const Field& field) {
  const std::string_view name = field.string();
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  field.unsupported(name);
}

class PreTokenizerSequence : public PreTokenizer {
 public:
  PreTokenizerSequence(const Field& field, bool bytes_stay) {
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
      const auto flush = [&](size_t end) { push_word(out, shift + begin, shift + end); };
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

// Splits where characters of a kind stand.
template <bool (*kIs)(char32_t)>
class CharacterSplit : public PreTokenizer {
 public:
  explicit CharacterSplit(SplitBehavior behavior) : behavior_(behavior) {}
  void apply(Words& words) const override { split_characters(words, kIs, behavior_); }

 private:
  SplitBehavior behavior_;
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
        if (kind != kSpace) push_word(out, shift + begin, shift + start);
        begin = start;
        kind = now;
      }
      if (kind != kSpace) push_word(out, shift + begin, static_cast<uint32_t>(shift + word.size()));
    });
  }
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
        if (last != kAnyScript) push_word(out, shift + begin, shift + start);
        begin = start;
        last = script;
      }
      if (last != kAnyScript)
        push_word(out, shift + begin, static_cast<uint32_t>(shift + word.size()));
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
  void apply(Words& words) const override { split(words, *pattern_, SplitBehavior::kRemoved); }

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
        push_word(out, static_cast<uint32_t>(shift + begin), static_cast<uint32_t>(shift + at));
      }
    });
  }

 private:
  int64_t length_;
};

}  // namespace

std::unique_ptr<const PreTokenizer> make_pre_tokenizer(const Field& field, bool bytes_stay) {
  if (field.is_null()) return nullptr;
  const std::string_view type = field["type"].string();
  if (type == "Sequence") return std::make_unique<PreTokenizerSequence>(field, bytes_stay);
  if (type == "BertPreTokenizer") return std::make_unique<BertPreTokenizer>();
  if (type == "ByteLevel") return make_byte_level(field, bytes_stay);
  if (type == "Split") return std::make_unique<Split>(field);
  if (type == "Metaspace") return make_metaspace(field);
  if (type == "WhitespaceSplit")
    return std::make_unique<CharacterSplit<unicode::is_white_space>>(SplitBehavior::kRemoved);
  if (type == "Whitespace") return std::make_unique<Whitespace>();
  if (type == "Punctuation") {
    return std::make_unique<CharacterSplit<unicode::is_bert_punctuation>>(
        field.has("behavior") ? split_behavior(field["behavior"]) : SplitBehavior::kIsolated);
  }
  if (type == "Digits") {
    return std::make_unique<CharacterSplit<unicode::is_numeric>>(
        field.boolean_or("individual_digits", false) ? SplitBehavior::kIsolated
                                                     : SplitBehavior::kContiguous);
  }
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

}  // namespace vecton::tokenizer
