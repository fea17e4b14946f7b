// Mixtral: Mistral with a mixture of experts in every layer. Jiang et al. 2024, arXiv:2401.04088.

#include "models/decoder.h"
#include "models/experts.h"
#include "models/family.h"
#include "models/llama.h"

namespace vecton::models::mixtral {

namespace {

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config, {.kv_heads = 8});
  s.shape.windows = window_of_all(config, s.shape);
  llama::use_block_sparse_moe(s, config, {.normalize = true});
  return s;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "mixtral",
    .model_types = {"mixtral"},
    .architectures = {{"MixtralModel"},
                      {"MixtralForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"MixtralForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"MixtralForTokenClassification", checkpoint::HeadKind::kTokenClassification},
                      {"MixtralForQuestionAnswering", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = llama::shape_of<settings>,
    .load = llama::load_of<settings>,
    .head = llama::head,
    .mlx = {.experts = kNumberedMlxExperts},
};

}  // namespace vecton::models::mixtral
