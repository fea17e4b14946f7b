// Mistral: Llama with a window over all layers. Jiang et al. 2023, arXiv:2310.06825.

#include "models/decoder.h"
#include "models/family.h"
#include "models/llama.h"

namespace vecton::models::mistral {

namespace {

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config);
  if (!config.is_null("sliding_window")) {
    const int64_t width = config.integer_or("sliding_window", 4096);
    s.shape.windows.assign(static_cast<size_t>(s.shape.layers),
                           decoder_window(width, s.shape.causal));
  }
  return s;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "mistral",
    .model_types = {"mistral"},
    .architectures = {{"MistralModel"},
                      {"MistralForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"MistralForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"MistralForTokenClassification", checkpoint::HeadKind::kTokenClassification},
                      {"MistralForQuestionAnswering", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = llama::shape_of<settings>,
    .load = llama::load_of<settings>,
    .head = llama::head,
};

}  // namespace vecton::models::mistral
