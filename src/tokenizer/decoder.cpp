#include "tokenizer/decoder.h"

#include <array>
#include <optional>
#include <utility>

#include "tokenizer/literal_replacer.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pattern.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/unicode.h"

namespace vecton {

namespace {

// What a tokenizer's cleaning replaces, in this order.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kCleaning{
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

void replace_in(std::string& text, std::string_view from, std::string_view to) {
  if (from.empty() || text.find(from) == std::string::npos) return;
  std::string out;
  LiteralReplacer replacer(from, to);
  replacer.put(text, out);
  replacer.end(out);
  text = std::move(out);
}

void clean_up_token(std::string& token) {
  for (const auto& [from, to] : kCleaning) replace_in(token, from, to);
}

// A step whose stream is an object made from the step's own settings.
template <typename Stream, typename Settings>
class Step : public Decoder {
 public:
  explicit Step(Settings settings) : settings_(std::move(settings)) {}
  void open(std::vector<std::unique_ptr<TokenSink>>& streams, TokenSink& to) const override {
    TokenSink& next = streams.empty() ? to : *streams.back();
    streams.push_back(std::make_unique<Stream>(settings_, next));
  }

 private:
  Settings settings_;
};

template <typename Stream, typename Settings>
std::unique_ptr<const Decoder> make_step(Settings settings) {
  return std::make_unique<Step<Stream, Settings>>(std::move(settings));
}

struct NoSettings {};

class Sequence : public Decoder {
 public:
  explicit Sequence(const Field& field) {
    const Field items = field["decoders"];
    for (size_t i = 0; i < items.array().size(); ++i) {
      if (auto step = make_decoder(items[i])) steps_.push_back(std::move(step));
    }
  }
  void open(std::vector<std::unique_ptr<TokenSink>>& streams, TokenSink& to) const override {
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) (*step)->open(streams, to);
  }

 private:
  std::vector<std::unique_ptr<const Decoder>> steps_;
};

// A stream that looks at whole tokens.
class TokenStream : public TokenSink {
 public:
  explicit TokenStream(TokenSink& to) : to_(to) {}
  void put(std::string_view piece, bool begins, bool ends) final {
    if (begins) token_.clear();
    token_ += piece;
    if (ends) take(token_);
  }
  void end() override { to_.end(); }

 protected:
  virtual void take(std::string& token) = 0;
  void give(std::string_view token) { to_.put(token, true, true); }

 private:
  TokenSink& to_;
  std::string token_;
};

// A stream that makes one token of all.
class JoiningStream : public TokenSink {
 public:
  explicit JoiningStream(TokenSink& to) : to_(to) {}
  void end() override {
    to_.put("", !begun_, true);
    to_.end();
  }

 protected:
  void give(std::string_view piece) {
    to_.put(piece, !begun_, false);
    begun_ = true;
  }

 private:
  TokenSink& to_;
  bool begun_ = false;
};

class FuseStream : public JoiningStream {
 public:
  FuseStream(const NoSettings&, TokenSink& to) : JoiningStream(to) {}
  void put(std::string_view piece, bool, bool) override { give(piece); }
};

class SpaceJoinerStream : public JoiningStream {
 public:
  SpaceJoinerStream(const NoSettings&, TokenSink& to) : JoiningStream(to) {}
  void put(std::string_view piece, bool begins, bool) override {
    if (begins && !first_) give(" ");
    first_ = false;
    give(piece);
  }

 private:
  bool first_ = true;
};

// Bytes of one character may come from several tokens.
class ByteLevelStream : public JoiningStream {
 public:
  ByteLevelStream(const NoSettings&, TokenSink& to) : JoiningStream(to) {}
  void put(std::string_view piece, bool begins, bool ends) override {
    if (begins) token_.clear();
    token_ += piece;
    if (!ends) return;
    const size_t before = bytes_.size();
    for (size_t at = 0; at < token_.size();) {
      const int byte = byte_level_byte(unicode::next(token_, at));
      if (byte < 0) {  // not byte-level text: the token as it is
        bytes_.resize(before);
        bytes_ += token_;
        break;
      }
      bytes_.push_back(static_cast<char>(byte));
    }
    give_bytes(bytes_.size() - unicode::unfinished_tail(bytes_));
  }
  void end() override {
    give_bytes(bytes_.size());
    JoiningStream::end();
  }

 private:
  void give_bytes(size_t size) {
    const std::string_view whole = std::string_view(bytes_).substr(0, size);
    if (unicode::is_valid_utf8(whole)) {
      give(whole);
    } else {
      give(unicode::repair_utf8(whole));
    }
    bytes_.erase(0, size);
  }

  std::string token_, bytes_;
};

struct WordPieceSettings {
  std::string prefix;
  bool cleanup;
};
class WordPieceStream : public TokenStream {
 public:
  WordPieceStream(const WordPieceSettings& settings, TokenSink& to)
      : TokenStream(to), settings_(settings) {}

 private:
  void take(std::string& token) override {
    if (!first_ && token.starts_with(settings_.prefix)) {
      token.erase(0, settings_.prefix.size());
    } else if (!first_) {
      token.insert(0, 1, ' ');
    }
    first_ = false;
    if (settings_.cleanup) clean_up_token(token);
    give(token);
  }

  const WordPieceSettings& settings_;
  bool first_ = true;
};

struct MetaspaceSettings {
  std::string replacement;
  bool prepended;  // the first token's replacements were put there
};
class MetaspaceStream : public TokenSink {
 public:
  MetaspaceStream(const MetaspaceSettings& settings, TokenSink& to)
      : settings_(settings), to_(to) {}
  void put(std::string_view piece, bool begins, bool ends) override {
    part_ = piece;
    replace_in(part_, settings_.replacement, first_ && settings_.prepended ? "" : " ");
    to_.put(part_, begins, ends);
    if (ends) first_ = false;
  }
  void end() override { to_.end(); }

 private:
  const MetaspaceSettings& settings_;
  TokenSink& to_;
  std::string part_;
  bool first_ = true;
};

// The suffix of the last token goes, those of the others are spaces.
class BpeStream : public TokenStream {
 public:
  BpeStream(const std::string& suffix, TokenSink& to) : TokenStream(to), suffix_(suffix) {}
  void end() override {
    flush("");
    TokenStream::end();
  }

 private:
  void take(std::string& token) override {
    flush(" ");
    last_ = token;
    if (last_->find(suffix_) == std::string::npos) flush("");
  }
  void flush(std::string_view for_suffix) {
    if (!last_) return;
    replace_in(*last_, suffix_, for_suffix);
    give(*last_);
    last_.reset();
  }

  const std::string& suffix_;
  std::optional<std::string> last_;  // a token with a suffix
};

struct ReplaceSettings {
  std::string literal;  // what is looked for, or empty:
  std::shared_ptr<const Pattern> pattern;
  std::string content;
};
class ReplaceStream : public TokenSink {
 public:
  ReplaceStream(const ReplaceSettings& settings, TokenSink& to)
      : replacer_(settings.literal, settings.content), to_(to) {}
  void put(std::string_view piece, bool begins, bool ends) override {
    part_.clear();
    replacer_.put(piece, part_);
    if (ends) replacer_.end(part_);
    to_.put(part_, begins, ends);
  }
  void end() override { to_.end(); }

 private:
  LiteralReplacer replacer_;
  TokenSink& to_;
  std::string part_;
};
class ReplacePatternStream : public TokenStream {
 public:
  ReplacePatternStream(const ReplaceSettings& settings, TokenSink& to)
      : TokenStream(to), settings_(settings) {}

 private:
  void take(std::string& token) override {
    text_.assign(token, 0, false);
    replace_all(text_, *settings_.pattern, settings_.content);
    give(text_.bytes());
  }

  const ReplaceSettings& settings_;
  Text text_;
};

// "<0xE2>" tokens become bytes; of a run that is not UTF-8 each becomes U+FFFD.
class ByteFallbackStream : public TokenStream {
 public:
  ByteFallbackStream(const NoSettings&, TokenSink& to) : TokenStream(to) {}
  void end() override {
    flush();
    TokenStream::end();
  }

 private:
  void take(std::string& token) override {
    if (const int byte = byte_of(token); byte >= 0) {
      bytes_.push_back(static_cast<char>(byte));
    } else {
      flush();
      give(token);
    }
  }
  void flush() {
    if (bytes_.empty()) return;
    if (unicode::is_valid_utf8(bytes_)) {
      give(bytes_);
    } else {
      for (size_t i = 0; i < bytes_.size(); ++i) give("\uFFFD");
    }
    bytes_.clear();
  }

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

  std::string bytes_;
};

// Takes up to `start` and `stop` characters off the ends of each token, as long as they are
// `content`.
struct StripSettings {
  std::string content;
  int64_t start, stop;
};
class StripStream : public TokenSink {
 public:
  StripStream(const StripSettings& settings, TokenSink& to) : settings_(settings), to_(to) {}
  void put(std::string_view piece, bool begins, bool ends) override {
    const std::string_view content = settings_.content;
    if (begins) left_ = settings_.start;
    for (; left_ > 0 && piece.starts_with(content); --left_) piece.remove_prefix(content.size());
    if (!piece.empty()) left_ = 0;
    part_ = std::exchange(waiting_, {}) += piece;
    // The last characters wait: the token may end behind them.
    size_t kept = part_.size();
    for (int64_t i = 0; i < settings_.stop; ++i) {
      if (!std::string_view(part_).substr(0, kept).ends_with(content)) break;
      kept -= content.size();
    }
    if (!ends) waiting_ = part_.substr(kept);
    to_.put(std::string_view(part_).substr(0, kept), begins, ends);
  }
  void end() override { to_.end(); }

 private:
  const StripSettings& settings_;
  TokenSink& to_;
  std::string part_, waiting_;
  int64_t left_ = 0;  // characters that may still go at the start
};

// Of equal tokens side by side one stays; padding goes.
struct CtcSettings {
  std::string pad, delimiter;
  bool cleanup;
};
class CtcStream : public TokenStream {
 public:
  CtcStream(const CtcSettings& settings, TokenSink& to) : TokenStream(to), settings_(settings) {}

 private:
  void take(std::string& token) override {
    if (last_ == token) return;
    last_ = token;
    replace_in(token, settings_.pad, "");
    if (settings_.cleanup) {
      clean_up_token(token);
      replace_in(token, settings_.delimiter, " ");
    }
    if (!token.empty()) give(token);
  }

  const CtcSettings& settings_;
  std::optional<std::string> last_;
};

// The cleaning of whole texts knows one contraction less.
class SpaceCleanerStream : public TokenSink {
 public:
  SpaceCleanerStream(const NoSettings&, TokenSink& to) : to_(to) {
    for (const auto& [from, to_text] : kCleaning) {
      if (from != " do not") replacers_.emplace_back(from, to_text);
    }
  }
  void put(std::string_view piece, bool begins, bool ends) override { run(piece, false); }
  void end() override {
    run("", true);
    to_.end();
  }

 private:
  void run(std::string_view piece, bool last) {
    part_ = piece;
    for (LiteralReplacer& replacer : replacers_) {
      next_.clear();
      replacer.put(part_, next_);
      if (last) replacer.end(next_);
      part_.swap(next_);
    }
    to_.put(part_, false, false);
  }

  TokenSink& to_;
  std::vector<LiteralReplacer> replacers_;
  std::string part_, next_;
};

MetaspaceSettings metaspace_settings(const Field& field) {
  const std::string scheme = field.string_or(
      "prepend_scheme", field.boolean_or("add_prefix_space", true) ? "always" : "never");
  return {field.string_or("replacement", "\u2581"), scheme != "never"};
}

StripSettings strip_settings(const Field& field) {
  StripSettings settings{std::string(field["content"].string()), field["start"].count(),
                         field["stop"].count()};
  if (settings.content.empty()) field["content"].fail(ErrorCode::kCorrupt, "must be one character");
  return settings;
}

std::unique_ptr<const Decoder> make_replace(const Field& field) {
  const Field pattern = field["pattern"];
  ReplaceSettings settings{pattern.string_or("String", ""), nullptr,
                           std::string(field["content"].string())};
  if (pattern.has("String")) return make_step<ReplaceStream>(std::move(settings));
  settings.pattern = make_pattern(pattern);
  return make_step<ReplacePatternStream>(std::move(settings));
}

}  // namespace

std::unique_ptr<const Decoder> make_space_joiner() {
  return make_step<SpaceJoinerStream>(NoSettings());
}

std::unique_ptr<const Decoder> make_space_cleaner() {
  return make_step<SpaceCleanerStream>(NoSettings());
}

std::unique_ptr<const Decoder> make_decoder(const Field& field) {
  if (field.is_null()) return nullptr;
  const std::string_view type = field["type"].string();
  if (type == "Sequence") return std::make_unique<Sequence>(field);
  if (type == "ByteLevel") return make_step<ByteLevelStream>(NoSettings());
  if (type == "WordPiece") {
    return make_step<WordPieceStream>(
        WordPieceSettings{field.string_or("prefix", "##"), field.boolean_or("cleanup", true)});
  }
  if (type == "Metaspace") return make_step<MetaspaceStream>(metaspace_settings(field));
  if (type == "BPEDecoder") return make_step<BpeStream>(field.string_or("suffix", "</w>"));
  if (type == "Replace") return make_replace(field);
  if (type == "ByteFallback") return make_step<ByteFallbackStream>(NoSettings());
  if (type == "Fuse") return make_step<FuseStream>(NoSettings());
  if (type == "Strip") return make_step<StripStream>(strip_settings(field));
  if (type == "CTC") {
    return make_step<CtcStream>(CtcSettings{field.string_or("pad_token", "<pad>"),
                                            field.string_or("word_delimiter_token", "|"),
                                            field.boolean_or("cleanup", true)});
  }
  field.unsupported(type);
}

DecoderStream::DecoderStream(const std::vector<const Decoder*>& steps) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) (*step)->open(streams_, text_);
  if (streams_.empty()) make_step<FuseStream>(NoSettings())->open(streams_, text_);
}

std::string decode_tokens(const Decoder& decoder, const std::vector<std::string>& tokens) {
  DecoderStream stream({&decoder});
  for (const std::string& token : tokens) stream.put(token);
  stream.end();
  return std::move(stream.text());
}

}  // namespace vecton
