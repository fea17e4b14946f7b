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

// {"tokens","token_logprobs","top_logprobs","text_offset"}. `offset`: characters of text before
// them, which is moved behind them.
void append_text_logprobs(std::string& out, std::span<const TokenLogprobs> tokens, int64_t& offset,
                          bool as_ids);

// [null,{"5":{"logprob","rank","decoded_token"}},...]: of each token of a prompt, the first of
// which has none.
void append_prompt_logprobs(std::string& out, std::span<const TokenLogprobs> tokens);

void append_ids(std::string& out, std::span<const int32_t> ids);

}  // namespace vecton::server
