// The dialect of Ollama's API: answers in lines of JSON, streamed unless a body says otherwise.
#pragma once

#include <span>

#include "server/dialect.h"
#include "server/listed_model.h"

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
HttpResponse tags(std::span<const ListedModel> models, int64_t started);
HttpResponse running(std::span<const ListedModel> models);
HttpResponse version();

}  // namespace vecton::server::ollama
