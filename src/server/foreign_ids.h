// Token ids of another model's tokenizer: clients that tokenize (LangChain's OpenAIEmbeddings does,
// with OpenAI's vocabulary) get vectors of nonsense from every other model.
#pragma once

#include <cstdint>
#include <span>

#include "server/dialect.h"

namespace vecton::server {

// Whether `ids` can hardly be of `tokenizer`: the tokens that it would give their text are mostly
// others.
bool are_foreign(const Tokenizer& tokenizer, std::span<const int32_t> ids);

// Adds to the plan's warnings when its first request has such ids and asks for numbers.
void warn_of_foreign_ids(CallPlan& plan, const Tokenizer& tokenizer);

// What a client that sends token ids can do.
inline constexpr const char* kSendText =
    "send text (LangChain's OpenAIEmbeddings: check_embedding_ctx_length=False)";

}  // namespace vecton::server
