// The dialect of text-embeddings-inference's native routes. Vectors and tokens are in tei.cpp,
// labels and ranks in tei_predict.cpp, and the pipelines of other inference servers in
// pipelines.cpp.
#pragma once

#include <span>

#include "server/dialect.h"
#include "server/listed_model.h"

namespace vecton::server::tei {

CallPlan embed(const Call& call);
CallPlan embed_all(const Call& call);
CallPlan embed_sparse(const Call& call);
CallPlan similarity(const Call& call);
CallPlan predict(const Call& call);
CallPlan rerank(const Call& call);
// Transformers' pipelines "fill-mask" and "token-classification".
CallPlan fill_mask(const Call& call);
CallPlan token_classify(const Call& call);
// "zero-shot-classification", and what Hugging Face's clients read of it: the labels alone.
CallPlan zero_shot_classification(const Call& call);
CallPlan zero_shot_labels(const Call& call);
// What the loaded model is for.
CallPlan root(const Call& call);
CallPlan tokenize(const Call& call);
CallPlan decode(const Call& call);

// {"error","error_type"}, or a plain sentence for what is wrong before the body is understood.
HttpResponse refuse(const Failure& failure, int64_t max_model_len);

// GET /info. `workers`: threads that tokenize. The first of `models`, which has been in memory, and
// where there are several, all of them.
HttpResponse info(std::span<const ListedModel> models, int workers);

}  // namespace vecton::server::tei
