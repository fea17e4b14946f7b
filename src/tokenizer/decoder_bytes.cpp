// Tokens that stand for bytes: a character may come from several of them.
#include "base/unicode.h"
#include "base/utf8.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/decoder_steps.h"

namespace vecton::tokenizer {

namespace {

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
    give_bytes(bytes_.size() - utf8::unfinished_tail(bytes_));
  }
  void end() override {
    give_bytes(bytes_.size());
    JoiningStream::end();
  }

 private:
  void give_bytes(size_t size) {
    const std::string_view whole = std::string_view(bytes_).substr(0, size);
    if (utf8::is_valid(whole)) {
      give(whole);
    } else {
      give(utf8::repair(whole));
    }
    bytes_.erase(0, size);
  }

  std::string token_, bytes_;
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
    if (utf8::is_valid(bytes_)) {
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

}  // namespace

std::unique_ptr<const Decoder> make_byte_level_decoder() {
  return make_step<ByteLevelStream>(NoSettings());
}

std::unique_ptr<const Decoder> make_byte_fallback_decoder() {
  return make_step<ByteFallbackStream>(NoSettings());
}

}  // namespace vecton::tokenizer
