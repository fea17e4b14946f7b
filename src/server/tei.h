// The dialect of text-embeddings-inference (TEI): /embed, /embed_all, /similarity, /tokenize,
// /decode, /info and the root.
#pragma once

#include "server/dialect.h"

namespace vecton::server::tei {

Plan embed(const Call& call);
Plan embed_all(const Call& call);
Plan similarity(const Call& call);
Plan root(const Call& call);  // similarity when `inputs` is an object, embed otherwise
Plan tokenize(const Call& call);
Plan decode(const Call& call);

// {"error","error_type"}, or a plain sentence for what is not even a request.
HttpResponse refuse(const Failure& failure, int64_t max_model_len);

// GET /info. `workers`: threads that tokenize.
HttpResponse info(const Context& context, int workers);

}  // namespace vecton::server::tei
