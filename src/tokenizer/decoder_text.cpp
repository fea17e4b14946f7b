// Tokens that are text but for their marks: prefixes, suffixes, visible spaces, padding.
#include <array>
#include <optional>

#include "tokenizer/decoder_steps.h"
#include "tokenizer/literal_replacer.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pattern.h"

namespace vecton::tokenizer {

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

}  // namespace

std::unique_ptr<const Decoder> make_space_cleaner() {
  return make_step<SpaceCleanerStream>(NoSettings());
}

std::unique_ptr<const Decoder> make_word_piece_decoder(const Field& field) {
  return make_step<WordPieceStream>(
      WordPieceSettings{field.string_or("prefix", "##"), field.boolean_or("cleanup", true)});
}

std::unique_ptr<const Decoder> make_metaspace_decoder(const Field& field) {
  const std::string scheme = field.string_or(
      "prepend_scheme", field.boolean_or("add_prefix_space", true) ? "always" : "never");
  return make_step<MetaspaceStream>(
      MetaspaceSettings{field.string_or("replacement", "\u2581"), scheme != "never"});
}

std::unique_ptr<const Decoder> make_bpe_decoder(const Field& field) {
  return make_step<BpeStream>(field.string_or("suffix", "</w>"));
}

std::unique_ptr<const Decoder> make_ctc_decoder(const Field& field) {
  return make_step<CtcStream>(CtcSettings{field.string_or("pad_token", "<pad>"),
                                          field.string_or("word_delimiter_token", "|"),
                                          field.boolean_or("cleanup", true)});
}

std::unique_ptr<const Decoder> make_replace_decoder(const Field& field) {
  const Field pattern = field["pattern"];
  ReplaceSettings settings{pattern.string_or("String", ""), nullptr,
                           std::string(field["content"].string())};
  if (pattern.has("String")) return make_step<ReplaceStream>(std::move(settings));
  settings.pattern = make_pattern(pattern);
  return make_step<ReplacePatternStream>(std::move(settings));
}

std::unique_ptr<const Decoder> make_strip_decoder(const Field& field) {
  StripSettings settings{std::string(field["content"].string()), field["start"].count(),
                         field["stop"].count()};
  if (settings.content.empty()) field["content"].fail(ErrorCode::kCorrupt, "must be one character");
  return make_step<StripStream>(std::move(settings));
}

}  // namespace vecton::tokenizer
