// JinaBERT (Jina embeddings v2): BERT with a gated MLP, whose keys count less the farther they are
// from the query on either side. Günther et al. 2023, arXiv:2310.19923; Press et al. 2021,
// arXiv:2108.12409.
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/bert_encoder.h"
#include "models/family.h"
#include "models/head_steps.h"
#include "nn/post_norm.h"
#include "nn/token_embedding.h"
#include "vecton/error.h"

namespace vecton::models::jina_bert {

namespace {

struct Layer {
  nn::PostNormAttention attention;
  std::optional<ops::NormWeight> again;  // the layer's input is added and normalised once more
  nn::PostNormMlp mlp;
};

double eps(const checkpoint::Config& config) { return config.number_or("layer_norm_eps", 1e-12); }

ops::Activation gate_of(const checkpoint::Config& config) {
  const std::string name = config.string_or("feed_forward_type", "original");
  if (name == "geglu") return ops::Activation::kGelu;
  if (name == "reglu") return ops::Activation::kRelu;
  throw Error(ErrorCode::kUnsupported, config.file() + ": feed_forward_type \"" + name +
                                           "\" is not supported; geglu and reglu are");
}

// How much a key's score falls with every token between it and the query: powers of 2 from below 1
// to 2^-8, and of further heads what lies between them.
double slope_of(int64_t head, int64_t heads) {
  int64_t even = 1;
  while (2 * even <= heads) even *= 2;
  const int64_t step = head < even ? 2 * (head + 1) : 2 * (head - even) + 1;
  return std::exp2(-4.0 * static_cast<double>(step) / static_cast<double>(even));
}

ops::AttentionBias distance_bias(const ModelShape& shape, Ops& ops) {
  const int64_t reach = shape.max_positions - 1;
  std::vector<int32_t> bucket;
  for (int64_t d = -reach; d <= reach; ++d) bucket.push_back(static_cast<int32_t>(std::abs(d)));
  std::vector<float> by_head;
  for (int64_t h = 0; h < shape.heads; ++h) {
    const double slope = slope_of(h, shape.heads);
    for (int64_t d = 0; d <= reach; ++d)
      by_head.push_back(static_cast<float>(-slope * static_cast<double>(d)));
  }
  ops::AttentionBias bias;
  bias.reach = reach;
  bias.buckets = reach + 1;
  bias.bucket = ops.upload_indices(std::move(bucket));
  bias.by_head = ops.prepare_parameters(by_head, shape.heads, reach + 1);
  return bias;
}

class JinaBert final : public Model {
 public:
  JinaBert(const checkpoint::Config& config, const checkpoint::Weights& weights);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  Layer layer(const checkpoint::Weights& w) const;
  nn::Mlp mlp(const checkpoint::Weights& w) const;

  ModelShape shape_;
  int64_t intermediate_;
  double eps_;
  ops::Activation activation_;
  nn::TokenEmbedding embedding_;
  ops::NormWeight embedding_norm_;
  std::vector<Layer> layers_;
  ops::AttentionBias bias_;  // shared by all layers
};

ModelShape shape(const checkpoint::Config& config) {
  config.require("position_embedding_type", "alibi");
  config.require("emb_pooler", "mean");
  config.ignore({"hidden_act"});  // feed_forward_type says it
  gate_of(config);                // says what it can't be
  ModelShape shape = bert_shape(config);
  shape.token_types = config.integer_or("type_vocab_size", 2);
  return shape;
}

JinaBert::JinaBert(const checkpoint::Config& config, const checkpoint::Weights& w)
    : shape_(shape(config)),
      intermediate_(config.integer("intermediate_size")),
      eps_(eps(config)),
      activation_(gate_of(config)) {
  BertParts parts = bert_embeddings(shape_, w / "embeddings", shape_.hidden, eps_);
  embedding_ = std::move(parts.embedding);
  embedding_norm_ = parts.embedding_norm;
  for (int64_t i = 0; i < shape_.layers; ++i) layers_.push_back(layer(w / "encoder" / "layer" / i));
  bias_ = distance_bias(shape_, w.ops());
}

// Gate and up lie in one tensor, the gate first, or apart; of the model for code the gate is last.
nn::Mlp JinaBert::mlp(const checkpoint::Weights& w) const {
  using Halves = checkpoint::Weights::Halves;
  const int64_t n = shape_.hidden, width = intermediate_;
  const checkpoint::Weights up_first = w / "up_gated_layer", gate_first = w / "gated_layers";
  nn::Mlp mlp{.up = {}, .down = {}, .activation = activation_};
  if (w.has("gated_layers_w.weight")) {
    mlp.up = w.gated("gated_layers_w", "gated_layers_v", width, n);
  } else {
    mlp.up = up_first.has("weight") ? up_first.gated_halves(width, n, Halves::kUpFirst)
                                    : gate_first.gated_halves(width, n, Halves::kGateFirst);
  }
  mlp.down = (w.has("down_layer.weight") ? w / "down_layer" : w / "wo").linear(n, width);
  return mlp;
}

Layer JinaBert::layer(const checkpoint::Weights& w) const {
  const int64_t n = shape_.hidden;
  const checkpoint::Weights attention = w / "attention", self = attention / "self",
                            output = attention / "output";
  const std::pair<std::string, int64_t> kv[] = {{"key", n}, {"value", n}};
  const checkpoint::Weights last =
      w.has("layer_norm_2.weight") ? w / "layer_norm_2" : w / "mlp" / "layernorm";
  Layer layer{
      .attention =
          nn::PostNormAttention{
              .attention =
                  nn::SelfAttention{.q = (self / "query").linear(n, n),
                                    .kv = self.stacked(kv, n, checkpoint::Weights::Bias::kRequired),
                                    .out = (output / "dense").linear(n, n),
                                    .shape = bert_attention(shape_)},
              .norm = (output / "LayerNorm").layer_norm(n, eps_)},
      .again = {},
      .mlp = nn::PostNormMlp{.mlp = mlp(w / "mlp"), .norm = last.layer_norm(n, eps_)}};
  if (self.has("layer_norm_q.weight")) {
    layer.attention.attention.q_norm = (self / "layer_norm_q").layer_norm(n, eps_);
    layer.attention.attention.k_norm = (self / "layer_norm_k").layer_norm(n, eps_);
  }
  if (w.has("layer_norm_1.weight")) layer.again = (w / "layer_norm_1").layer_norm(n, eps_);
  return layer;
}

Tensor JinaBert::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  Tensor x = ops.norm(embedding_.forward(pass), embedding_norm_);
  for (int64_t i = 0; i < shape_.layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const nn::LayerRows rows = pass.enter(i, shape_.layers, x);
    Tensor h = layer.attention.forward(pass, x, rows, nullptr, bias_);
    if (layer.again) h = ops.norm(ops.add(std::move(h), rows.of(ops, x)), *layer.again);
    x = layer.mlp.forward(ops, h);
  }
  return x;
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"bert.", ""}};
  const std::string_view heads[] = {"pooler.", "cls.", "classifier.", "qa_outputs."};
  weights.rename_prefixes(prefixes);
  weights.skip(heads);
  return std::make_unique<JinaBert>(config, weights);
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& w) {
  return bert_head(config, kind, labels, w, eps(config));
}

}  // namespace

extern constinit const Family kFamily{
    .name = "jina_bert",
    .model_types = {"jina_bert"},
    .architectures = {{"JinaBertModel"},
                      {"JinaBertForMaskedLM", checkpoint::HeadKind::kMaskedLm},
                      {"JinaBertForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"JinaBertForTokenClassification",
                       checkpoint::HeadKind::kTokenClassification},
                      {"JinaBertForQuestionAnswering", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kMean,
    .tensors = {.words = "embeddings.word_embeddings.weight",
                .prefixes = {"bert."},
                .classifiers = kBertClassifiers},
    .shape = shape,
    .load = load,
    .head = head,
};

}  // namespace vecton::models::jina_bert
