// What decoders are made of: the step whose stream is an object, and streams that see whole tokens
// or make one text of all. Used by decoder.cpp and the files of its steps alone; the thread rule is
// that of decoder.h.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/decoder.h"

namespace vecton::tokenizer {

// A step whose stream is an object made from the step's own settings.
template <typename Stream, typename Settings>
class DecoderStep : public Decoder {
 public:
  explicit DecoderStep(Settings settings) : settings_(std::move(settings)) {}
  void open(std::vector<std::unique_ptr<TokenSink>>& streams, TokenSink& to) const override {
    TokenSink& next = streams.empty() ? to : *streams.back();
    streams.push_back(std::make_unique<Stream>(settings_, next));
  }

 private:
  Settings settings_;
};

template <typename Stream, typename Settings>
std::unique_ptr<const Decoder> make_step(Settings settings) {
  return std::make_unique<DecoderStep<Stream, Settings>>(std::move(settings));
}

struct NoSettings {};

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

// decoder_bytes.cpp: tokens that stand for bytes.
std::unique_ptr<const Decoder> make_byte_level_decoder();
std::unique_ptr<const Decoder> make_byte_fallback_decoder();

// decoder_text.cpp: tokens that are text but for their marks.
std::unique_ptr<const Decoder> make_word_piece_decoder(const Field& field);
std::unique_ptr<const Decoder> make_metaspace_decoder(const Field& field);
std::unique_ptr<const Decoder> make_bpe_decoder(const Field& field);
std::unique_ptr<const Decoder> make_ctc_decoder(const Field& field);
std::unique_ptr<const Decoder> make_replace_decoder(const Field& field);
std::unique_ptr<const Decoder> make_strip_decoder(const Field& field);

}  // namespace vecton::tokenizer
