// The dialect of OpenAI's and vLLM's routes: /v1/embeddings, /pooling, /tokenize, /detokenize.
#pragma once

#include "server/dialect.h"

namespace vecton::server::openai {

Plan embeddings(const Call& call);
Plan pooling(const Call& call);
Plan tokenize(const Call& call);
Plan detokenize(const Call& call);

// {"error":{"message","type","param","code"}}
HttpResponse refuse(const Failure& failure, int64_t max_model_len);

// GET /v1/models, and one of its entries. `started`: Unix time.
HttpResponse models(const ServerOptions& options, const std::vector<std::string>& names,
                    int64_t max_model_len, int64_t started);
HttpResponse model(const ServerOptions& options, const std::vector<std::string>& names,
                   int64_t max_model_len, int64_t started, const std::string& name);

}  // namespace vecton::server::openai
