#include "tokenizer/token_bytes.h"

#include <array>

#include "base/utf8.h"
#include "tokenizer/byte_level.h"

namespace vecton::tokenizer {

namespace {

std::string read_byte_level(std::string_view token) {
  std::string out;
  for (size_t at = 0; at < token.size();) {
    const utf8::Character c = utf8::decode(token, at);
    at += c.bytes;
    const int byte = byte_level_byte(c.code);
    if (byte < 0) return std::string(token);
    out += static_cast<char>(byte);
  }
  return out;
}

int hex_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The byte of "<0x0A>", or -1.
int fallback_byte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  const int high = hex_value(token[3]), low = hex_value(token[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool decodes_to(const Tokenizer& tokenizer, std::string_view token, std::string_view text) {
  const auto id = tokenizer.token_to_id(token);
  return id && tokenizer.decode(std::array{*id}) == text;
}

}  // namespace

std::vector<TokenBytes> token_bytes(const Tokenizer& tokenizer) {
  const bool byte_level =
      decodes_to(tokenizer, "\u0120", " ") || decodes_to(tokenizer, "\u010A", "\n");
  const bool byte_fallback = decodes_to(tokenizer, "<0x41>", "A");
  // What a token adds to a text that has begun.
  int32_t before = -1;
  std::string begun;
  for (int32_t id = 0; id < tokenizer.vocab_size() && before < 0; ++id) {
    const std::string_view token = tokenizer.id_to_token(id);
    if (token.size() != 1 || token[0] < 'a' || token[0] > 'z') continue;
    before = id;
    begun = tokenizer.decode(std::array{id});
  }
  std::vector<TokenBytes> out(static_cast<size_t>(tokenizer.vocab_size()));
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    auto& [bytes, special] = out[static_cast<size_t>(id)];
    const std::string_view token = tokenizer.id_to_token(id);
    if (token.empty()) continue;
    if (tokenizer.decode(std::array{id}, true).empty() &&
        !tokenizer.decode(std::array{id}).empty()) {
      bytes = token;
      special = true;
    } else if (byte_level) {
      bytes = read_byte_level(token);
    } else if (const int byte = byte_fallback ? fallback_byte(token) : -1; byte >= 0) {
      bytes = static_cast<char>(byte);
    } else if (before >= 0) {
      bytes = tokenizer.decode(std::array{before, id}).substr(begun.size());
    } else {
      bytes = tokenizer.decode(std::array{id});
    }
  }
  return out;
}

}  // namespace vecton::tokenizer
