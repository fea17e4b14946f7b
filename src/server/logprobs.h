// Log probabilities of tokens, as the answers of OpenAI's and vLLM's routes have them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vecton/request.h"

namespace vecton::server {

// [{"token","logprob","bytes","top_logprobs"}]. `as_ids`: tokens are written "token_id:5".
void append_token_logprobs(std::string& out, std::span<const TokenLogprobs> tokens, bool as_ids);
// {"content":[...]} of these.
void append_chat_logprobs(std::string& out, std::span<const TokenLogprobs> tokens, bool as_ids);

// Where tokens stand in a text, in characters. Tokens that share a character begin where it does.
class TextOffset {
 public:
  // The place of the token, behind those before it.
  int64_t add(const TokenLogprob& token);

 private:
  int64_t characters_ = 0;
  std::string open_;  // bytes of a character that the next token may complete
};

// {"tokens","token_logprobs","top_logprobs","text_offset"}. `offset`: of the tokens before them,
// which is moved behind them.
void append_text_logprobs(std::string& out, std::span<const TokenLogprobs> tokens,
                          TextOffset& offset, bool as_ids);

// [null,{"5":{"logprob","rank","decoded_token"}},...]: of each token of a prompt, the first of
// which has none.
void append_prompt_logprobs(std::string& out, std::span<const TokenLogprobs> tokens);

void append_ids(std::string& out, std::span<const int32_t> ids);

}  // namespace vecton::server
