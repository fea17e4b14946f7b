#include "models/bert.h"

#include <cmath>
#include <utility>
#include <vector>

#include "checkpoint/labels.h"
#include "nn/activation.h"
#include "nn/self_attention.h"
#include "vecton/error.h"

namespace vecton::bert {

namespace {

struct Layer {
  nn::SelfAttention attention;
  NormWeight attention_norm;
  LinearWeight intermediate, output;
  NormWeight output_norm;
};

class Bert final : public Model {
 public:
  Bert(const Config& config, const Weights& weights);
  Tensor forward(Ops& ops, const Batch& batch) const override;

 private:
  Layer layer(const Weights& w, const Config& config) const;

  ModelShape shape_;
  Activation activation_;
  PreparedWeight words_, positions_, types_;
  NormWeight embedding_norm_;
  std::vector<Layer> layers_;
};

Bert::Bert(const Config& config, const Weights& w)
    : shape_(shape(config)), activation_(nn::activation(config, "hidden_act", "gelu")) {
  const Weights e = w / "embeddings";
  words_ = (e / "word_embeddings").table(shape_.vocab, shape_.hidden);
  positions_ = (e / "position_embeddings").table(shape_.max_positions, shape_.hidden);
  types_ =
      (e / "token_type_embeddings").table(config.integer_or("type_vocab_size", 2), shape_.hidden);
  embedding_norm_ =
      (e / "LayerNorm").layer_norm(shape_.hidden, config.number_or("layer_norm_eps", 1e-12));
  for (int64_t i = 0; i < shape_.layers; ++i)
    layers_.push_back(layer(w / "encoder" / "layer" / i, config));
}

Layer Bert::layer(const Weights& w, const Config& config) const {
  const int64_t n = shape_.hidden, intermediate = config.integer("intermediate_size");
  const double eps = config.number_or("layer_norm_eps", 1e-12);
  const Weights self = w / "attention" / "self", out = w / "attention" / "output";
  const std::pair<std::string, int64_t> kv[] = {{"key", n}, {"value", n}};
  return {
      .attention = {.q = (self / "query").linear(n, n),
                    .kv = self.stacked(kv, n, Weights::Bias::kRequired),
                    .out = (out / "dense").linear(n, n),
                    .shape = {.heads = shape_.heads,
                              .kv_heads = shape_.kv_heads,
                              .head_dim = shape_.head_dim,
                              .scale = 1.0f / std::sqrt(static_cast<float>(shape_.head_dim))}},
      .attention_norm = (out / "LayerNorm").layer_norm(n, eps),
      .intermediate = (w / "intermediate" / "dense").linear(intermediate, n),
      .output = (w / "output" / "dense").linear(n, intermediate),
      .output_norm = (w / "output" / "LayerNorm").layer_norm(n, eps),
  };
}

Tensor Bert::forward(Ops& ops, const Batch& batch) const {
  const std::vector<int32_t> zeros(batch.type_ids.empty() ? batch.ids.size() : 0);
  const Ops::Lookup lookups[] = {{*words_, batch.ids},
                                 {*types_, batch.type_ids.empty() ? zeros : batch.type_ids},
                                 {*positions_, batch.rows.index}};
  Tensor x = ops.norm(ops.embed(lookups), embedding_norm_);
  for (const Layer& layer : layers_) {
    const auto rows = nn::LayerRows::of_layer(batch, &layer - layers_.data(), shape_.layers);
    const Tensor q = rows.of(ops, x);
    x = ops.norm(layer.attention.forward(ops, x, q, rows, batch, &q), layer.attention_norm);
    const Tensor h = ops.linear(x, layer.intermediate, activation_);
    x = ops.norm(ops.linear(h, layer.output, Activation::kIdentity, &x), layer.output_norm);
  }
  return x;
}

}  // namespace

ModelShape shape(const Config& config) {
  config.require("position_embedding_type", "absolute");
  config.require("is_decoder", false);
  config.require("add_cross_attention", false);
  const int64_t hidden = config.integer("hidden_size"),
                heads = config.integer("num_attention_heads");
  if (hidden % heads != 0) {
    throw Error(ErrorCode::kCorrupt,
                config.file() + ": hidden_size must be a multiple of num_attention_heads");
  }
  return {.layers = config.integer("num_hidden_layers"),
          .hidden = hidden,
          .vocab = config.integer("vocab_size"),
          .max_positions = config.integer("max_position_embeddings"),
          .heads = heads,
          .kv_heads = heads,
          .head_dim = hidden / heads};
}

std::unique_ptr<Model> load(const Config& config, Weights weights) {
  const Weights::Rename prefixes[] = {{"bert.", ""}};
  const Weights::Rename parts[] = {{"LayerNorm.gamma", "LayerNorm.weight"},
                                   {"LayerNorm.beta", "LayerNorm.bias"}};
  const std::string_view heads[] = {"pooler.", "cls.", "classifier.", "qa_outputs."};
  weights.rename_prefixes(prefixes);
  weights.rename_parts(parts);
  weights.skip(heads);
  return std::make_unique<Bert>(config, weights);
}

// The masked-token head: its decoder is the table of words unless the file has one of its own.
static HeadWeights masked_lm_head(const Config& config, const Weights& w) {
  const int64_t n = config.integer("hidden_size"), vocab = config.integer("vocab_size");
  const Weights predictions = w / "cls" / "predictions", transform = predictions / "transform";
  const bool own = predictions.has("decoder.weight");
  LinearWeight decoder = (own ? predictions / "decoder" : w / "embeddings" / "word_embeddings")
                             .linear(vocab, n, Weights::Bias::kNone);
  decoder.bias = predictions.vector("bias", vocab);
  return {
      .every_token = true,
      .steps = {
          {.linear = (transform / "dense").linear(n, n),
           .activation = nn::activation(config, "hidden_act", "gelu"),
           .norm =
               (transform / "LayerNorm").layer_norm(n, config.number_or("layer_norm_eps", 1e-12))},
          {.linear = std::move(decoder)}}};
}

HeadWeights head(const Config& config, HeadKind kind, const Weights& w) {
  const int64_t n = config.integer("hidden_size");
  if (kind == HeadKind::kMaskedLm) return masked_lm_head(config, w);
  HeadStep classifier{
      .linear = (w / "classifier").linear(static_cast<int64_t>(read_labels(config).size()), n)};
  if (kind == HeadKind::kTokenClassification)
    return {.every_token = true, .steps = {std::move(classifier)}};
  return {
      .steps = {{.linear = (w / "pooler" / "dense").linear(n, n), .activation = Activation::kTanh},
                std::move(classifier)}};
}

}  // namespace vecton::bert
