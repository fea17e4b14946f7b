// RoBERTa, XLM-RoBERTa, CamemBERT: Liu et al. 2019, arXiv:1907.11692; Conneau et al. 2019,
// arXiv:1911.02116. Jina's implementation of XLM-RoBERTa, with positions of a table or rotary ones
// (Jina embeddings v3, arXiv:2409.10173), is the same block under other names.
#pragma once

#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/model.h"

namespace vecton::roberta {

ModelShape shape(const Config& config);
std::unique_ptr<Model> load(const Config& config, Weights weights);
HeadWeights head(const Config& config, HeadKind kind, const Weights& weights);

}  // namespace vecton::roberta
