// Gemma (arXiv:2403.08295): Llama with scaled embeddings and norms of 1 + w. Gemma 2
// (arXiv:2408.00118) and Gemma 3 (arXiv:2503.19786), EmbeddingGemma among them: norms before and
// after attention and MLP, windows over most layers.
#pragma once

#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/model.h"

namespace vecton::gemma {

ModelShape shape(const Config& config);
std::unique_ptr<Model> load(const Config& config, Weights weights);

ModelShape shape2(const Config& config);
std::unique_ptr<Model> load2(const Config& config, Weights weights);
HeadWeights head2(const Config& config, HeadKind kind, const Weights& weights);

ModelShape shape3(const Config& config);
std::unique_ptr<Model> load3(const Config& config, Weights weights);
HeadWeights head3(const Config& config, HeadKind kind, const Weights& weights);

}  // namespace vecton::gemma
