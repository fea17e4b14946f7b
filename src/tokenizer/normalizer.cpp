#include "tokenizer/normalizer.h"

#include <algorithm>
#include <vector>

#include "tokenizer/byte_level.h"
#include "tokenizer/pattern.h"

namespace vecton::tokenizer {

void lowercase(Text& text) {
  if (!text.tracked() && unicode::is_ascii(text.bytes())) {
    for (char& c : text.raw()) c += (c >= 'A' && c <= 'Z') ? 'a' - 'A' : 0;
    return;
  }
  std::vector<unicode::Change> changes;
  for (size_t at = 0; at < text.bytes().size();) {
    char32_t second;
    changes.push_back({unicode::to_lowercase(unicode::next(text.bytes(), at), second), 0});
    if (second) changes.push_back({second, 1});
  }
  text.rewrite(changes);
}

void replace_all(Text& text, const Pattern& pattern, std::string_view content) {
  std::vector<Span> matches;
  pattern.find_all(text.bytes(), matches);
  if (matches.empty()) return;
  Text out = text.empty_like();
  uint32_t done = 0;
  for (const Span match : matches) {
    out.append(text, {done, match.begin});
    // New characters stand where the last character of the match stood.
    out.append(content, match.end > 0 ? text.origin({match.end - 1, match.end}) : Span{});
    done = match.end;
  }
  out.append(text, {done, static_cast<uint32_t>(text.bytes().size())});
  text = std::move(out);
}

void prepend(Text& text, std::string_view content) {
  if (text.empty()) return;
  Text out = text.empty_like();
  out.append(content, text.origin({0, 1}));
  out.append(text, {0, static_cast<uint32_t>(text.bytes().size())});
  text = std::move(out);
}

namespace {

class NormalizerSequence : public Normalizer {
 public:
  explicit NormalizerSequence(const Field& field) {
    const Field items = field["normalizers"];
    for (size_t i = 0; i < items.array().size(); ++i) {
      if (auto step = make_normalizer(items[i])) steps_.push_back(std::move(step));
    }
  }
  void apply(Text& text) const override {
    for (const auto& step : steps_) step->apply(text);
  }

 private:
  std::vector<std::unique_ptr<const Normalizer>> steps_;
};

class NormalForm : public Normalizer {
 public:
  explicit NormalForm(unicode::Form form) : form_(form) {}
  void apply(Text& text) const override {
    if (!unicode::is_normal(text.bytes(), form_))
      text.rewrite(unicode::normalize(text.bytes(), form_));
  }

 private:
  unicode::Form form_;
};

class Lowercase : public Normalizer {
 public:
  void apply(Text& text) const override { lowercase(text); }
};

class StripAccents : public Normalizer {
 public:
  void apply(Text& text) const override {
    text.filter([](char32_t c) { return !unicode::is_combining_mark(c); });
  }
};

class Strip : public Normalizer {
 public:
  explicit Strip(const Field& field)
      : left_(field.boolean_or("strip_left", true)),
        right_(field.boolean_or("strip_right", true)) {}

  void apply(Text& text) const override {
    const std::string& bytes = text.bytes();
    Span kept{0, static_cast<uint32_t>(bytes.size())};
    while (left_ && kept.begin < kept.end) {
      size_t at = kept.begin;
      if (!unicode::is_white_space(unicode::next(bytes, at))) break;
      kept.begin = at;
    }
    while (right_ && kept.begin < kept.end) {
      size_t at = unicode::previous(bytes, kept.end);
      const size_t start = at;
      if (!unicode::is_white_space(unicode::next(bytes, at))) break;
      kept.end = start;
    }
    if (kept.end - kept.begin == bytes.size()) return;
    Text out;
    out.assign(text, kept);
    text = std::move(out);
  }

 private:
  bool left_, right_;
};

class Replace : public Normalizer {
 public:
  explicit Replace(const Field& field)
      : pattern_(make_pattern(field["pattern"])), content_(field["content"].string()) {}
  void apply(Text& text) const override { replace_all(text, *pattern_, content_); }

 private:
  std::unique_ptr<const Pattern> pattern_;
  std::string content_;
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(const Field& field) : content_(field["prepend"].string()) {}
  void apply(Text& text) const override { prepend(text, content_); }

 private:
  std::string content_;
};

// The rules of the NMT toolkits: control characters go, everything that spaces or joins becomes a
// space.
class Nmt : public Normalizer {
 public:
  void apply(Text& text) const override {
    text.filter([](char32_t c) { return !is_control(c); });
    text.map([](char32_t c) { return is_space(c) ? U' ' : c; });
  }

 private:
  static bool is_control(char32_t c) {
    return (c >= 0x1 && c <= 0x8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F ||
           c == 0x8F || c == 0x9F;
  }
  static bool is_space(char32_t c) {
    return c == 0x9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 ||
           (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
           c == 0xFEFF || c == 0xFFFD;
  }
};

// Writes bytes as the characters that byte-level models see.
class ByteLevelNormalizer : public Normalizer {
 public:
  void apply(Text& text) const override {
    const std::string& bytes = text.bytes();
    std::vector<unicode::Change> changes;
    changes.reserve(bytes.size());
    for (const char byte : bytes) {
      const bool inside = (byte & 0xC0) == 0x80;
      changes.push_back({byte_level_character(static_cast<uint8_t>(byte)), inside});
    }
    text.rewrite(changes);
  }
};

}  // namespace

std::unique_ptr<const Normalizer> make_normalizer(const Field& field) {
  using unicode::Form;
  if (field.is_null()) return nullptr;
  const std::string_view type = field["type"].string();
  if (type == "Sequence") return std::make_unique<NormalizerSequence>(field);
  if (type == "BertNormalizer") return make_bert_normalizer(field);
  if (type == "NFC") return std::make_unique<NormalForm>(Form::kNfc);
  if (type == "NFD") return std::make_unique<NormalForm>(Form::kNfd);
  if (type == "NFKC") return std::make_unique<NormalForm>(Form::kNfkc);
  if (type == "NFKD") return std::make_unique<NormalForm>(Form::kNfkd);
  if (type == "Lowercase") return std::make_unique<Lowercase>();
  if (type == "StripAccents") return std::make_unique<StripAccents>();
  if (type == "Strip") return std::make_unique<Strip>(field);
  if (type == "Replace") return std::make_unique<Replace>(field);
  if (type == "Prepend") return std::make_unique<Prepend>(field);
  if (type == "ByteLevel") return std::make_unique<ByteLevelNormalizer>();
  if (type == "Nmt") return std::make_unique<Nmt>();
  if (type == "Precompiled") return make_precompiled_normalizer(field);
  field.unsupported(type);
}

}  // namespace vecton::tokenizer
