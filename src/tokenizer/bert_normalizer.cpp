// BertNormalizer: drops control characters, spaces out CJK ideographs, strips accents, lower-cases.
#include "tokenizer/normalizer.h"

namespace vecton::tokenizer {

namespace {

char32_t plain_space(char32_t c) { return unicode::is_white_space(c) ? U' ' : c; }

class BertNormalizer : public Normalizer {
 public:
  explicit BertNormalizer(const Field& field)
      : clean_(field.boolean_or("clean_text", true)),
        cjk_(field.boolean_or("handle_chinese_chars", true)),
        lowercase_(field.boolean_or("lowercase", true)),
        strip_(field.boolean_or("strip_accents", lowercase_)) {
    for (char32_t c = 0; c < 128; ++c) {
      char32_t to = c;
      if (clean_) to = unicode::is_cleaned(c) ? kDrop : plain_space(c);
      if (lowercase_ && to >= 'A' && to <= 'Z') to += 'a' - 'A';
      ascii_[c] = static_cast<uint8_t>(to);
    }
  }

  void apply(Text& text) const override {
    if (text.tracked() || !apply_untracked(text)) apply_steps(text);
  }

 private:
  static constexpr uint8_t kDrop = 0x80;  // no ASCII character maps to it
  static constexpr size_t kLongest =
      32;  // two spaces, and four characters with two bytes more each

  // All steps character by character; false where marks that stay would have to be put in order.
  bool apply_untracked(Text& text) const {
    const std::string& in = text.bytes();
    std::string out;
    out.resize(in.size());
    char* to = out.data();
    size_t at = 0;
    for (;;) {
      for (; at < in.size() && static_cast<unsigned char>(in[at]) < 0x80; ++at) {
        const uint8_t byte = ascii_[static_cast<unsigned char>(in[at])];
        *to = static_cast<char>(byte);
        to += byte != kDrop;
      }
      if (at == in.size()) break;
      // Room for this character and for the rest of the text, were it ASCII.
      const size_t used = to - out.data(), need = used + kLongest + (in.size() - at);
      if (out.size() < need) {
        out.resize(need + need / 2);
        to = out.data() + used;
      }
      if (!put(unicode::next(in, at), to)) return false;
    }
    out.resize(to - out.data());
    text.raw().swap(out);
    return true;
  }

  // Writes what one character that is not ASCII becomes: at most kLongest bytes.
  bool put(char32_t c, char*& to) const {
    if (clean_) {
      if (unicode::is_cleaned(c)) return true;
      c = plain_space(c);
    }
    const bool spaced = cjk_ && unicode::is_cjk_ideograph(c);
    if (strip_ && unicode::is_accent(c)) return true;
    if (spaced) *to++ = ' ';
    if (!strip_ || !unicode::is_nfd_active(c)) {
      put_lowercase(c, to);
    } else {
      char32_t parts[4];
      const size_t count = unicode::decompose(c, parts);
      for (size_t i = 0; i < count; ++i) {
        if (unicode::is_accent(parts[i])) continue;
        if (unicode::combining_class(parts[i]) != 0) return false;
        put_lowercase(parts[i], to);
      }
    }
    if (spaced) *to++ = ' ';
    return true;
  }

  void put_lowercase(char32_t c, char*& to) const {
    char32_t second = 0;
    if (lowercase_) c = unicode::to_lowercase(c, second);
    to += unicode::write(c, to);
    if (second) to += unicode::write(second, to);
  }

  // The definition, step by step.
  void apply_steps(Text& text) const {
    if (clean_) {
      text.filter([](char32_t c) { return !unicode::is_cleaned(c); });
      text.map(plain_space);
    }
    if (cjk_) space_ideographs(text);
    if (strip_) {
      text.rewrite(unicode::normalize(text.bytes(), unicode::Form::kNfd));
      text.filter([](char32_t c) { return !unicode::is_accent(c); });
    }
    if (lowercase_) lowercase(text);
  }

  static void space_ideographs(Text& text) {
    std::vector<unicode::Change> changes;
    for (size_t at = 0; at < text.bytes().size();) {
      const char32_t c = unicode::next(text.bytes(), at);
      const bool spaced = unicode::is_cjk_ideograph(c);
      if (spaced) changes.push_back({U' ', 1});
      changes.push_back({c, 0});
      if (spaced) changes.push_back({U' ', 1});
    }
    text.rewrite(changes);
  }

  bool clean_, cjk_, lowercase_, strip_;
  uint8_t ascii_[128];
};

}  // namespace

std::unique_ptr<const Normalizer> make_bert_normalizer(const Field& field) {
  return std::make_unique<BertNormalizer>(field);
}

}  // namespace vecton::tokenizer
