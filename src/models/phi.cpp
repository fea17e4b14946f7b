// Phi-3, Phi-3.5 and Phi-4-mini (arXiv:2404.14219, arXiv:2503.01743): Llama with stacked
// projections and LongRoPE. Phi-3.5-MoE: layer norms, and experts chosen by SparseMixer.
#include <string>

#include "models/decoder.h"
#include "models/experts.h"
#include "models/family.h"
#include "models/llama.h"
#include "vecton/error.h"

namespace vecton::models {

namespace phi3 {

namespace {

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config);
  s.packed = true;
  s.shape.windows = window_of_all(config, s.shape);
  config.require("full_attn_mod", int64_t{1});
  config.require("interpolate_factor", int64_t{1});
  config.require("attention_bias", false);
  config.require("mlp_bias", false);
  // What the first files called LongRoPE is YaRN elsewhere.
  const std::optional<checkpoint::Config> scaling = config.child("rope_scaling");
  if (scaling && scaling->string_or("type", "") == "yarn") {
    throw Error(ErrorCode::kUnsupported,
                config.file() + ": rope_scaling.type \"yarn\" is not supported; longrope is");
  }
  return s;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "phi3",
    .model_types = {"phi3"},
    .architectures = {{"Phi3Model"},
                      {"Phi3ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Phi3ForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"Phi3ForTokenClassification", checkpoint::HeadKind::kTokenClassification}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = llama::shape_of<settings>,
    .load = llama::load_of<settings>,
    .head = llama::head,
};

}  // namespace phi3

namespace phimoe {

namespace {

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config, {.kv_heads = 8}, {.amplitudes = true});
  s.eps = config.number_or("rms_norm_eps", 1e-5);
  s.layer_norm = true;
  s.shape.windows = window_of_all(config, s.shape);
  s.qkv_bias = s.out_bias = config.boolean_or("attention_bias", false);
  llama::use_block_sparse_moe(
      s, config,
      {.scores = ops::Router::Scores::kSparseMixer,
       .jitter = static_cast<float>(config.number_or("router_jitter_noise", 0.01))});
  return s;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "phimoe",
    .model_types = {"phimoe"},
    .architectures = {{"PhimoeModel"},
                      {"PhimoeForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"PhiMoEForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"PhimoeForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = llama::shape_of<settings>,
    .load = llama::load_of<settings>,
    .head = llama::head,
    .mlx = {.experts = kNumberedMlxExperts},
};

}  // namespace phimoe

}  // namespace vecton::models
