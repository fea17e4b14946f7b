// GPT-OSS (arXiv:2508.10925): attention sinks, a window in every other layer, and a mixture of
// experts whose gates are clamped in every one.
#include <cstdint>
#include <utility>
#include <vector>

#include "checkpoint/weight_rows.h"
#include "models/decoder.h"
#include "models/experts.h"
#include "models/family.h"
#include "models/llama.h"
#include "nn/layer_types.h"
#include "nn/pre_norm.h"
#include "vecton/error.h"

namespace vecton::models::gpt_oss {

namespace {

struct Settings {
  llama::Settings base;
  ExpertSizes sizes;
  ops::Router routing;
  float alpha = 0, limit = 0;
};

Settings settings(const checkpoint::Config& config) {
  Settings s{.base = llama::settings(config, {.kv_heads = 8, .head_dim = 64}, {.theta = 150000}),
             .sizes = {},
             .routing = {}};
  s.base.eps = config.number_or("rms_norm_eps", 1e-5);
  s.base.qkv_bias = s.base.out_bias = config.boolean_or("attention_bias", true);
  if (!config.has("rope_scaling") && !config.has("rope_parameters")) {
    throw Error(ErrorCode::kCorrupt,
                config.file() + ": \"rope_scaling\": missing, expected an object");
  }
  config.ignore({"initial_context_length"});  // rope_scaling has it
  const int64_t width = config.integer_or("sliding_window", 128);
  s.base.shape.windows = windows_of(
      nn::sliding_layers(config, s.base.shape.layers, [](int64_t i) { return i % 2 == 0; }),
      decoder_window(width, s.base.shape.causal));
  const int64_t count = count_experts(config), k = experts_per_token(config, count);
  config.require("experts_per_token", k);
  s.routing = {.scores = ops::Router::Scores::kSoftmaxOfChosen, .k = k};
  s.sizes = {
      .count = count, .width = config.integer("intermediate_size"), .hidden = s.base.shape.hidden};
  s.alpha = static_cast<float>(config.number_or("swiglu_alpha", 1.702));
  s.limit = static_cast<float>(config.number_or("swiglu_limit", 7));
  return s;
}

// Every second row of each of the experts, from `first` on.
std::vector<int64_t> every_second(const ExpertSizes& s, int64_t expert, int64_t first) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < s.width; ++i) rows.push_back(2 * (expert * s.width + i) + first);
  return rows;
}

// Rows of one expert among `bias` of all, `step` apart.
std::vector<float> part(const std::vector<float>& bias, int64_t begin, int64_t n, int64_t step) {
  std::vector<float> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(bias[static_cast<size_t>(begin + i * step)]);
  return values;
}

// OpenAI's: gate and up are every other row of gate_up_proj, whose rows are the inputs where it is
// not quantised.
ops::Experts interleaved_experts(const checkpoint::Weights& w, const ExpertSizes& s) {
  const bool dense = w.has("gate_up_proj");
  const tensor::Weight gate_up =
      dense
          ? checkpoint::transposed(w.stack("gate_up_proj", s.count, s.hidden, 2 * s.width), s.count)
          : w.stack("gate_up_proj.weight", s.count, 2 * s.width, s.hidden);
  const tensor::Weight down =
      dense ? checkpoint::transposed(w.stack("down_proj", s.count, s.width, s.hidden), s.count)
            : w.stack("down_proj.weight", s.count, s.hidden, s.width);
  const std::vector<float> gate_up_bias = w.values("gate_up_proj_bias", s.count, 2 * s.width),
                           down_bias = w.values("down_proj_bias", s.count, s.hidden);
  ops::Experts experts;
  for (int64_t e = 0; e < s.count; ++e) {
    const auto half = [&](int64_t first) {
      return w.linear_of(checkpoint::pick_rows(gate_up, every_second(s, e, first)),
                         part(gate_up_bias, 2 * e * s.width + first, s.width, 2));
    };
    experts.all.push_back(
        ops::Expert{.up = ops::SplitGate{.gate = half(0), .up = half(1)},
                    .down = w.linear_of(checkpoint::row_slice(down, e * s.hidden, s.hidden),
                                        part(down_bias, e * s.hidden, s.hidden, 1))});
  }
  return experts;
}

// MLX's: gate and up apart.
ops::Experts split_experts(const checkpoint::Weights& w, const ExpertSizes& s) {
  struct Stack {
    tensor::Weight weight;
    std::vector<float> bias;
    int64_t rows;
  };
  const auto stack = [&](const char* name, int64_t rows, int64_t columns) {
    const checkpoint::Weights own = w / name;
    return Stack{own.stack("weight", s.count, rows, columns), own.values("bias", s.count, rows),
                 rows};
  };
  const Stack gate = stack("gate_proj", s.width, s.hidden),
              up = stack("up_proj", s.width, s.hidden),
              down = stack("down_proj", s.hidden, s.width);
  ops::Experts experts;
  for (int64_t e = 0; e < s.count; ++e) {
    const auto one = [&](const Stack& of) {
      return w.linear_of(checkpoint::row_slice(of.weight, e * of.rows, of.rows),
                         part(of.bias, e * of.rows, of.rows, 1));
    };
    experts.all.push_back(
        ops::Expert{.up = ops::SplitGate{.gate = one(gate), .up = one(up)}, .down = one(down)});
  }
  return experts;
}

nn::MixtureOfExperts mixture(const checkpoint::Weights& w, const Settings& s) {
  const checkpoint::Weights own = w / "experts";
  nn::MixtureOfExperts made{
      .router = (w / "router").in_float32().linear(s.sizes.count, s.sizes.hidden),
      .routing = s.routing,
      .experts = own.has("gate_proj.weight") ? split_experts(own, s.sizes)
                                             : interleaved_experts(own, s.sizes)};
  made.experts.alpha = s.alpha;
  made.experts.limit = s.limit;
  return made;
}

struct Layer {
  nn::PreNormAttention attention;
  nn::PreNormMlp mlp;
};

Layer load_layer(const Settings& s, const checkpoint::Weights& w, int64_t i) {
  nn::SelfAttention attention = llama::attention(s.base, w, i);
  attention.sinks = (w / "self_attn").vector("sinks", s.base.shape.heads);
  return {.attention = nn::PreNormAttention{.norm = llama::norm(s.base, w / "input_layernorm"),
                                            .attention = std::move(attention)},
          .mlp = nn::PreNormMlp{.norm = llama::norm(s.base, w / "post_attention_layernorm"),
                                .mlp = mixture(w / "mlp", s)}};
}

class GptOss final : public Model {
 public:
  GptOss(const Settings& s, const checkpoint::Config& config, const checkpoint::Weights& w);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  ModelShape shape_;
  nn::Rope rope_;
  ops::PreparedWeight words_;
  std::vector<Layer> layers_;
  ops::NormWeight norm_;
};

GptOss::GptOss(const Settings& s, const checkpoint::Config& config, const checkpoint::Weights& w)
    : shape_(s.base.shape), rope_(config, s.base.shape.head_dim, s.base.rope) {
  words_ = (w / "embed_tokens").table(shape_.vocab, shape_.hidden);
  for (int64_t i = 0; i < shape_.layers; ++i) {
    layers_.push_back(load_layer(s, w / "layers" / i, i));
  }
  norm_ = llama::norm(s.base, w / "norm");
}

Tensor GptOss::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Ops::Lookup words[] = {{*words_, pass.ids}};
  const nn::Rotation rope = rope_.rotation(pass);
  Tensor x = ops.embed(words);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const nn::LayerRows rows = pass.enter(static_cast<int64_t>(i), shape_.layers, x);
    x = layers_[i].attention.forward(pass, x, rows, &rope);
    x = layers_[i].mlp.forward(ops, x);
  }
  return ops.norm(std::move(x), norm_);
}

ModelShape shape(const checkpoint::Config& config) { return settings(config).base.shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const Settings s = settings(config);
  prepare_decoder(s.base.shape, weights);
  return std::make_unique<GptOss>(s, config, weights);
}

}  // namespace

extern constinit const Family kFamily{
    .name = "gpt_oss",
    .model_types = {"gpt_oss"},
    .architectures = {{"GptOssModel"},
                      {"GptOssForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"GptOssForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"GptOssForTokenClassification", checkpoint::HeadKind::kTokenClassification}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = shape,
    .load = load,
    .head = llama::head,
    .mlx = {.experts = MlxExperts{.place = "experts", .interleaved = true},
            .eight_bits = {"mlp.router"},
            .keeps_mxfp4 = true},
};

}  // namespace vecton::models::gpt_oss
