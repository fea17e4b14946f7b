#include "generation/logprobs.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/utf8.h"
#include "tokenizer/byte_level.h"

namespace vecton::generation {

namespace {

// ln of the sum of exp(logit).
double log_sum(std::span<const float> logits) {
  const double most = *std::ranges::max_element(logits);
  if (std::isinf(most)) return most;
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x) - most);
  return most + std::log(sum);
}

// A byte that a token of SentencePiece is: "<0xE3>".
std::optional<char> fallback_byte(std::string_view token) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
  const int high = digit(token[3]), low = digit(token[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

// Of a token of a byte-level model.
std::optional<std::string> byte_level_bytes(std::string_view token) {
  std::string bytes;
  for (size_t at = 0; at < token.size();) {
    const utf8::Character c = utf8::decode(token, at);
    const int byte = tokenizer::byte_level_byte(c.code);
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
    at += c.bytes;
  }
  return bytes;
}

}  // namespace

std::string token_bytes(const Tokenizer& tokenizer, int32_t id) {
  const std::string_view token = tokenizer.id_to_token(id);
  if (token.empty()) return {};
  const std::string text = tokenizer.decode(std::span(&id, 1));
  if (text.find(utf8::kReplacementBytes) == std::string::npos) return text;
  if (const auto byte = fallback_byte(token)) return std::string(1, *byte);
  return byte_level_bytes(token).value_or(text);
}

TokenLogprobs logprobs_of(std::span<const float> logits, int32_t id, int64_t top,
                          const Tokenizer& tokenizer) {
  const double sum = log_sum(logits);
  const auto at = [&](int32_t token) { return logits[static_cast<size_t>(token)]; };
  const auto described = [&](int32_t token, int64_t rank) {
    TokenLogprob one{.id = token, .logprob = static_cast<float>(at(token) - sum), .rank = rank};
    if (std::isnan(one.logprob)) one.logprob = -INFINITY;  // nothing is likely
    if (!tokenizer.id_to_token(token).empty()) {
      one.text = tokenizer.decode(std::span(&token, 1));
      one.bytes = token_bytes(tokenizer, token);
    }
    return one;
  };
  const auto rank_of = [&](int32_t token) {
    return std::ranges::count_if(logits, [&](float x) { return x >= at(token); });
  };
  TokenLogprobs result{.token = described(id, rank_of(id))};
  const auto size = static_cast<int64_t>(logits.size());
  const int64_t wanted = top < 0 ? size : std::min(top, size);
  if (wanted == 0) return result;
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::partial_sort(order, order.begin() + wanted, [&](int32_t a, int32_t b) {
    return at(a) != at(b) ? at(a) > at(b) : a < b;
  });
  for (int64_t i = 0; i < wanted; ++i) {
    const int32_t token = order[static_cast<size_t>(i)];
    int64_t rank = i + 1;  // of equal ones that of the last
    while (rank < wanted && at(order[static_cast<size_t>(rank)]) == at(token)) ++rank;
    result.top.push_back(described(token, rank == wanted ? rank_of(token) : rank));
  }
  return result;
}

}  // namespace vecton::generation
