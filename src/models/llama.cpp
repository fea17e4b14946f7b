#include "models/llama.h"

#include <cmath>
#include <utility>

#include "checkpoint/weight_rows.h"
#include "models/decoder.h"
#include "models/experts.h"
#include "models/family.h"
#include "nn/activation.h"
#include "nn/image_rows.h"
#include "nn/pre_norm.h"
#include "vecton/error.h"

namespace vecton::models::llama {

namespace {

checkpoint::Weights::Bias if_set(bool bias) {
  return bias ? checkpoint::Weights::Bias::kRequired : checkpoint::Weights::Bias::kNone;
}

struct Layer {
  nn::PreNormAttention attention;
  nn::PreNormMlp mlp;
};

class Llama final : public Model {
 public:
  Llama(const Settings& settings, const checkpoint::Config& config,
        const checkpoint::Weights& weights);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  Layer layer(const checkpoint::Weights& w, const checkpoint::Config& config, int64_t index) const;

  Settings settings_;
  nn::Rope rope_;
  ops::PreparedWeight words_;
  std::vector<Layer> layers_;
  ops::NormWeight norm_;
};

Llama::Llama(const Settings& settings, const checkpoint::Config& config,
             const checkpoint::Weights& w)
    : settings_(settings), rope_(config, settings.shape.head_dim, settings.rope) {
  const ModelShape& shape = settings_.shape;
  words_ = (w / "embed_tokens").table(shape.vocab, shape.hidden);
  for (int64_t i = 0; i < shape.layers; ++i) layers_.push_back(layer(w / "layers" / i, config, i));
  if (settings_.last_norm) norm_ = norm(settings_, w / "norm");
}

Layer Llama::layer(const checkpoint::Weights& w, const checkpoint::Config& config,
                   int64_t index) const {
  return {.attention = nn::PreNormAttention{.norm = norm(settings_, w / "input_layernorm"),
                                            .attention = attention(settings_, w, index)},
          .mlp = nn::PreNormMlp{.norm = norm(settings_, w / "post_attention_layernorm"),
                                .mlp = settings_.feed_forward ? settings_.feed_forward(w, index)
                                                              : mlp(settings_, config, w)}};
}

Tensor Llama::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Ops::Lookup words[] = {{*words_, pass.ids}};
  const nn::Rotation rope = rope_.rotation(pass);
  const nn::ImageRows images(pass, settings_.shape.hidden);
  Tensor x = ops.embed(words);
  if (settings_.embedding_scale != 1) x = ops.scale(std::move(x), settings_.embedding_scale);
  images.replace(x);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const nn::LayerRows rows = pass.enter(static_cast<int64_t>(i), settings_.shape.layers, x);
    const bool rotates = settings_.rotates.empty() || settings_.rotates[i];
    x = layers_[i].attention.forward(pass, x, rows, rotates ? &rope : nullptr);
    x = layers_[i].mlp.forward(ops, x);
    images.add(static_cast<int64_t>(i), rows, x);
  }
  return settings_.last_norm ? ops.norm(std::move(x), norm_) : x;
}

}  // namespace

Settings settings(const checkpoint::Config& config, const DecoderDefaults& defaults,
                  const nn::RopeOptions& rope) {
  Settings s{.shape = decoder_shape(config, defaults),
             .rope = rope,
             .activation = nn::activation(config, "hidden_act", "silu"),
             .eps = config.number_or("rms_norm_eps", 1e-6)};
  s.shape.long_after = nn::Rope(config, s.shape.head_dim, s.rope).long_after();
  return s;
}

ops::NormWeight norm(const Settings& s, const checkpoint::Weights& w) {
  return s.layer_norm ? w.layer_norm(s.shape.hidden, s.eps)
                      : w.rms_norm(s.shape.hidden, s.eps, s.norm_plus);
}

namespace {

// Queries, and keys over values, as the checkpoint keeps them.
struct QueryKeyValue {
  ops::LinearWeight q, kv;
};

QueryKeyValue query_key_value(const Settings& s, const checkpoint::Weights& w) {
  const ModelShape& shape = s.shape;
  const int64_t n = shape.hidden, q = shape.heads * shape.head_dim,
                kv = shape.kv_heads * shape.head_dim;
  const auto bias = if_set(s.qkv_bias);
  if (s.packed) {
    const checkpoint::Weights all = w / "qkv_proj";
    return {.q = all.linear_rows(0, q, q + 2 * kv, n, bias),
            .kv = all.linear_rows(q, 2 * kv, q + 2 * kv, n, bias)};
  }
  if (s.interleaved) {  // as half-split pairs
    const tensor::Weight q_rows = w.matrix("q_proj.weight", q, n),
                         k_rows = w.matrix("k_proj.weight", kv, n);
    const tensor::Weight kv_rows[] = {
        checkpoint::pick_rows(k_rows, half_split_rows(shape.kv_heads, shape.head_dim)),
        w.matrix("v_proj.weight", kv, n)};
    return {.q = w.linear_of(
                checkpoint::pick_rows(q_rows, half_split_rows(shape.heads, shape.head_dim))),
            .kv = w.linear_of(kv_rows)};
  }
  const std::pair<std::string, int64_t> kv_parts[] = {{"k_proj", kv}, {"v_proj", kv}};
  return {.q = (w / "q_proj").linear(q, n, bias), .kv = w.stacked(kv_parts, n, bias)};
}

}  // namespace

nn::SelfAttention attention(const Settings& s, const checkpoint::Weights& layer, int64_t index) {
  const ModelShape& shape = s.shape;
  const int64_t q = shape.heads * shape.head_dim, kv = shape.kv_heads * shape.head_dim;
  const checkpoint::Weights w = layer / "self_attn";
  QueryKeyValue projections = query_key_value(s, w);
  nn::SelfAttention made{
      .layer = index,
      .q = std::move(projections.q),
      .kv = std::move(projections.kv),
      .out = (w / "o_proj").linear(shape.hidden, q, if_set(s.out_bias)),
      .shape = {.heads = shape.heads,
                .kv_heads = shape.kv_heads,
                .head_dim = shape.head_dim,
                .scale = s.attention_scale != 0
                             ? s.attention_scale
                             : 1.0f / std::sqrt(static_cast<float>(shape.head_dim)),
                .causal = shape.causal}};
  if (s.qk_norm != Settings::QkNorm::kNone) {
    const bool rows = s.qk_norm == Settings::QkNorm::kRows;
    made.q_norm = (w / "q_norm").rms_norm(rows ? q : shape.head_dim, s.eps);
    made.k_norm = (w / "k_norm").rms_norm(rows ? kv : shape.head_dim, s.eps);
  }
  if (!shape.windows.empty()) made.shape.window = shape.windows[static_cast<size_t>(index)];
  return made;
}

nn::Mlp mlp(const Settings& s, const checkpoint::Config& config, const checkpoint::Weights& layer) {
  const int64_t n = s.shape.hidden, intermediate = config.integer("intermediate_size");
  const checkpoint::Weights w = layer / "mlp";
  return {.up = s.packed
                    ? (w / "gate_up_proj")
                          .gated_halves(intermediate, n, checkpoint::Weights::Halves::kGateFirst,
                                        if_set(s.mlp_bias))
                    : w.gated("gate_proj", "up_proj", intermediate, n, if_set(s.mlp_bias)),
          .down = (w / "down_proj").linear(n, intermediate, if_set(s.mlp_bias)),
          .activation = s.activation};
}

void use_block_sparse_moe(Settings& settings, const checkpoint::Config& config,
                          ops::Router routing) {
  const int64_t count = count_experts(config);
  routing.k = experts_per_token(config, count);
  const ExpertSizes sizes{.count = count,
                          .width = config.integer("intermediate_size"),
                          .hidden = settings.shape.hidden};
  settings.feed_forward = [=, activation = settings.activation](const checkpoint::Weights& layer,
                                                                int64_t) -> nn::FeedForward {
    return block_sparse_moe(layer, sizes, routing, activation);
  };
}

std::unique_ptr<Model> build(const Settings& settings, const checkpoint::Config& config,
                             checkpoint::Weights weights) {
  prepare_decoder(settings.shape, weights);
  const std::string_view unused[] = {"norm"};
  if (!settings.last_norm) weights.skip(unused);
  return std::make_unique<Llama>(settings, config, weights);
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& weights) {
  return decoder_head(config, kind, labels, weights);
}

namespace {

Settings llama_settings(const checkpoint::Config& config, bool causal) {
  Settings s = settings(config, {.causal = causal});
  s.qkv_bias = s.out_bias = config.boolean_or("attention_bias", false);
  s.mlp_bias = config.boolean_or("mlp_bias", false);
  return s;
}

ModelShape shape(const checkpoint::Config& config) { return llama_settings(config, true).shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  return build(llama_settings(config, true), config, std::move(weights));
}

// LlamaBidirectionalModel: every token sees all others.
ModelShape bidirectional_shape(const checkpoint::Config& config) {
  config.require("pooling", "avg");  // what the family's row says as well
  return llama_settings(config, false).shape;
}

std::unique_ptr<Model> load_bidirectional(const checkpoint::Config& config,
                                          checkpoint::Weights weights) {
  return build(llama_settings(config, false), config, std::move(weights));
}

checkpoint::HeadWeights bidirectional_head(const checkpoint::Config& config,
                                           checkpoint::HeadKind kind, int64_t labels,
                                           const checkpoint::Weights& weights) {
  config.require("temperature", 1.0);
  return decoder_head(config, kind, labels, weights, ops::Pooling::kMean);
}

}  // namespace

extern constinit const Family kFamily{
    .name = "llama",
    .model_types = {"llama"},
    .architectures = {{"LlamaModel"},
                      {"LlamaForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"LlamaForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"LlamaForTokenClassification", checkpoint::HeadKind::kTokenClassification},
                      {"LlamaForQuestionAnswering", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = shape,
    .load = load,
    .head = head,
};

}  // namespace vecton::models::llama

namespace vecton::models::llama_bidirec {

extern constinit const Family kFamily{
    .name = "llama_bidirec",
    .model_types = {"llama_bidirec"},
    .architectures = {{"LlamaBidirectionalModel"},
                      {"LlamaBidirectionalForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification}},
    .default_pooling = ops::Pooling::kMean,
    .tensors = kDecoderTensors,
    .shape = llama::bidirectional_shape,
    .load = llama::load_bidirectional,
    .head = llama::bidirectional_head,
    // The models' cards; docs.nvidia.com's matrix of NIMs says which have dynamic dimensions:
    // NV-EmbedQA-E5, NV-EmbedQA-Mistral and arctic-embed-l have none.
    .matryoshka = {{"llama-nemotron-embed-1b-v2", {1024, 768, 512, 384}},
                   {"llama-3.2-nv-embedqa-1b-v2", {1024, 768, 512, 384}}},
};

}  // namespace vecton::models::llama_bidirec
