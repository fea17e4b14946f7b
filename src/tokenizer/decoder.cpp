#include "tokenizer/decoder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tokenizer/normalizer.h"
#include "tokenizer/pattern.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/unicode.h"

namespace vecton {

namespace {

void replace_in(std::string& text, std::string_view from, std::string_view to) {
  size_t at = from.empty() ? std::string::npos : text.find(from);
  if (at == std::string::npos) return;
  std::string out;
  size_t done = 0;
  for (; at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  text = out.append(text, done);
}

void join(std::vector<std::string>& tokens) {
  std::string all;
  for (const std::string& token : tokens) all += token;
  tokens.assign(1, std::move(all));
}

class Sequence : public Decoder {
 public:
  explicit Sequence(const Field& field) {
    const Field items = field["decoders"];
    for (size_t i = 0; i < items.array().size(); ++i) {
      if (auto step = make_decoder(items[i])) steps_.push_back(std::move(step));
    }
  }
  void apply(std::vector<std::string>& tokens) const override {
    for (const auto& step : steps_) step->apply(tokens);
  }

 private:
  std::vector<std::unique_ptr<const Decoder>> steps_;
};

class ByteLevel : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::string bytes;
    for (const std::string& token : tokens) {
      const size_t before = bytes.size();
      for (size_t at = 0; at < token.size();) {
        const int byte = byte_level_byte(unicode::next(token, at));
        if (byte < 0) {  // not byte-level text: the token as it is
          bytes.resize(before);
          bytes += token;
          break;
        }
        bytes.push_back(static_cast<char>(byte));
      }
    }
    tokens.assign(1, unicode::repair_utf8(bytes));
  }
};

class WordPiece : public Decoder {
 public:
  explicit WordPiece(const Field& field)
      : prefix_(field.string_or("prefix", "##")), cleanup_(field.boolean_or("cleanup", true)) {}

  void apply(std::vector<std::string>& tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0 && tokens[i].starts_with(prefix_)) {
        tokens[i].erase(0, prefix_.size());
      } else if (i > 0) {
        tokens[i].insert(0, 1, ' ');
      }
      if (cleanup_) tokens[i] = clean_up_spaces(tokens[i], true);
    }
  }

 private:
  std::string prefix_;
  bool cleanup_;
};

class Metaspace : public Decoder {
 public:
  explicit Metaspace(const Field& field) : replacement_(field.string_or("replacement", "\u2581")) {
    const std::string scheme = field.string_or(
        "prepend_scheme", field.boolean_or("add_prefix_space", true) ? "always" : "never");
    prepended_ = scheme != "never";
  }

  void apply(std::vector<std::string>& tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i)
      replace_in(tokens[i], replacement_, i == 0 && prepended_ ? "" : " ");
  }

 private:
  std::string replacement_;
  bool prepended_;
};

class Bpe : public Decoder {
 public:
  explicit Bpe(const Field& field) : suffix_(field.string_or("suffix", "</w>")) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i)
      replace_in(tokens[i], suffix_, i + 1 == tokens.size() ? "" : " ");
  }

 private:
  std::string suffix_;
};

class Replace : public Decoder {
 public:
  explicit Replace(const Field& field)
      : pattern_(make_pattern(field["pattern"])), content_(field["content"].string()) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (std::string& token : tokens) {
      Text text;
      text.assign(token, 0, false);
      replace_all(text, *pattern_, content_);
      token = text.bytes();
    }
  }

 private:
  std::unique_ptr<const Pattern> pattern_;
  std::string content_;
};

// "<0xE2>" tokens become bytes; bytes that are not UTF-8 become a U+FFFD each.
class ByteFallback : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::vector<std::string> out;
    std::string bytes;
    const auto flush = [&] {
      if (bytes.empty()) return;
      if (unicode::is_valid_utf8(bytes)) {
        out.push_back(bytes);
      } else {
        out.insert(out.end(), bytes.size(), "\uFFFD");
      }
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const int byte = byte_of(token); byte >= 0) {
        bytes.push_back(static_cast<char>(byte));
      } else {
        flush();
        out.push_back(std::move(token));
      }
    }
    flush();
    tokens = std::move(out);
  }

 private:
  static int byte_of(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
    const int high = digit(token[3]), low = digit(token[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
  }
  static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  }
};

class Fuse : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override { join(tokens); }
};

// Takes up to `start` and `stop` characters off the ends of each token, as long as they are
// `content`.
class Strip : public Decoder {
 public:
  explicit Strip(const Field& field)
      : content_(field["content"].string()),
        start_(field["start"].count()),
        stop_(field["stop"].count()) {
    if (content_.empty()) field["content"].fail(ErrorCode::kCorrupt, "must be one character");
  }
  void apply(std::vector<std::string>& tokens) const override {
    for (std::string& token : tokens) {
      std::string_view rest = token;
      for (int64_t i = 0; i < start_ && rest.starts_with(content_); ++i)
        rest.remove_prefix(content_.size());
      for (int64_t i = 0; i < stop_ && rest.ends_with(content_); ++i)
        rest.remove_suffix(content_.size());
      token = std::string(rest);
    }
  }

 private:
  std::string content_;
  int64_t start_, stop_;
};

}  // namespace

std::string clean_up_spaces(std::string_view text, bool wordpiece) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kRules{
      {{" .", "."},
       {" ?", "?"},
       {" !", "!"},
       {" ,", ","},
       {" ' ", "'"},
       {" n't", "n't"},
       {" 'm", "'m"},
       {" do not", " don't"},
       {" 's", "'s"},
       {" 've", "'ve"},
       {" 're", "'re"}}};
  std::string out(text);
  for (const auto& [from, to] : kRules) {
    if (wordpiece || from != " do not") replace_in(out, from, to);
  }
  return out;
}

std::unique_ptr<const Decoder> make_decoder(const Field& field) {
  if (field.is_null()) return nullptr;
  const std::string_view type = field["type"].string();
  if (type == "Sequence") return std::make_unique<Sequence>(field);
  if (type == "ByteLevel") return std::make_unique<ByteLevel>();
  if (type == "WordPiece") return std::make_unique<WordPiece>(field);
  if (type == "Metaspace") return std::make_unique<Metaspace>(field);
  if (type == "BPEDecoder") return std::make_unique<Bpe>(field);
  if (type == "Replace") return std::make_unique<Replace>(field);
  if (type == "ByteFallback") return std::make_unique<ByteFallback>();
  if (type == "Fuse") return std::make_unique<Fuse>();
  if (type == "Strip") return std::make_unique<Strip>(field);
  field.unsupported(type);
}

}  // namespace vecton
