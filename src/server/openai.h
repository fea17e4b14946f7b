// The dialect of OpenAI's and vLLM's routes. Embeddings and tokens are in openai.cpp, /pooling and
// /classify in pooling.cpp, /score and /rerank in scoring.cpp, /v1/embed and /v2/embed in
// cohere.cpp, /similarity_map, /v1/completions and /v1/chat/completions in files of their names.
#pragma once

#include <span>

#include "server/dialect.h"
#include "server/listed_model.h"

namespace vecton::server::openai {

CallPlan embeddings(const Call& call);
CallPlan pooling(const Call& call);
CallPlan classify(const Call& call);
CallPlan score(const Call& call);
CallPlan rerank(const Call& call);
CallPlan similarity_map(const Call& call);
CallPlan cohere_embed(const Call& call);
CallPlan cohere_embed_v1(const Call& call);
CallPlan completions(const Call& call);
CallPlan chat_completions(const Call& call);
CallPlan tokenize(const Call& call);
CallPlan detokenize(const Call& call);
// What the fields of the body ask for, and the loaded model does.
CallPlan invocations(const Call& call);

// {"error":{"message","type","param","code"}}
HttpResponse refuse(const Failure& failure, int64_t max_model_len);

// GET /v1/models, and one of its entries. `started`: Unix time.
HttpResponse models(std::span<const ListedModel> models, int64_t started);
// GET /models: with the state of each, whatever it is.
HttpResponse model_states(std::span<const ListedModel> models, int64_t started);
HttpResponse model(std::span<const ListedModel> models, int64_t started, const std::string& name);

}  // namespace vecton::server::openai
