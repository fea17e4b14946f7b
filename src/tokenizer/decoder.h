// Decoders: the steps of tokenizer.json that turn tokens back into text.
//
// Each step is a stream: it gives out text as soon as nothing that follows can change it, so that
// decoding all at once and token by token are one thing. Decoders are made once when a tokenizer is
// loaded, then immutable and used from any thread; a stream belongs to one call.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/json_fields.h"

namespace vecton::tokenizer {

// Takes tokens, each in one piece or more.
class TokenSink {
 public:
  virtual ~TokenSink() = default;
  // `begins` on the first piece of a token, `ends` on its last.
  virtual void put(std::string_view piece, bool begins, bool ends) = 0;
  virtual void end() = 0;  // no more tokens
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  // Appends this step's stream, in front of those that are there: the last of `streams`, or `to`,
  // takes what it gives.
  virtual void open(std::vector<std::unique_ptr<TokenSink>>& streams, TokenSink& to) const = 0;
};

// A null field gives nullptr: tokens are joined with spaces. An unknown type is refused by name
// (kUnsupported).
std::unique_ptr<const Decoder> make_decoder(const Field& field);
// Tokens joined with spaces.
std::unique_ptr<const Decoder> make_space_joiner();
// Takes the spaces away that tokens leave before punctuation and inside English contractions.
std::unique_ptr<const Decoder> make_space_cleaner();

// A chain of streams that ends in a string.
class DecoderStream {
 public:
  // The decoders in the order of the steps.
  explicit DecoderStream(const std::vector<const Decoder*>& steps);
  DecoderStream(const DecoderStream&) = delete;
  DecoderStream& operator=(const DecoderStream&) = delete;

  void put(std::string_view token) { streams_.back()->put(token, true, true); }
  void end() { streams_.back()->end(); }
  std::string& text() { return text_.text; }  // what is certain; the caller may take it

 private:
  struct Text : TokenSink {
    void put(std::string_view piece, bool, bool) override { text += piece; }
    void end() override {}
    std::string text;
  };
  Text text_;
  std::vector<std::unique_ptr<TokenSink>> streams_;
};

}  // namespace vecton::tokenizer
