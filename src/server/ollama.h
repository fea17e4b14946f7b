// The dialect of Ollama's API: answers in lines of JSON, streamed unless a body says otherwise.
#pragma once

#include "server/dialect.h"

namespace vecton::server::ollama {

CallPlan generate(const Call& call);  // POST /api/generate
CallPlan chat(const Call& call);      // POST /api/chat
CallPlan show(const Call& call);      // POST /api/show
CallPlan embed(const Call& call);     // POST /api/embed
// POST /api/embeddings: one text, whose vector is as the checkpoint makes it
CallPlan embeddings(const Call& call);

// {"error":"..."}
HttpResponse refuse(const Failure& failure, int64_t max_model_len);

// GET /api/tags, /api/ps and /api/version. `started`: Unix time.
HttpResponse tags(const ModelInfo* info, const std::vector<std::string>& names, int64_t started);
HttpResponse running(const ModelInfo* info, const std::vector<std::string>& names, int64_t started);
HttpResponse version();

}  // namespace vecton::server::ollama
