// MPNet: Song et al. 2020, arXiv:2004.09297.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#include "models/bert_encoder.h"
#include "models/family.h"
#include "models/head_steps.h"
#include "nn/post_norm.h"
#include "nn/token_embedding.h"
#include "vecton/error.h"

namespace vecton::models::mpnet {

namespace {

ModelShape shape(const checkpoint::Config& config);

constexpr int64_t kBuckets = 32;       // whatever the config says, as the reference has it
constexpr int64_t kMaxDistance = 128;  // farther keys share the last bucket
constexpr int32_t kPaddingId = 1;      // positions start after it, whatever pad_token_id is

constexpr BertSpelling kSpelling{.query = "attention.attn.q",
                                 .key = "attention.attn.k",
                                 .value = "attention.attn.v",
                                 .out = "attention.attn.o",
                                 .attention_norm = "attention.LayerNorm"};

double eps(const checkpoint::Config& config) { return config.number_or("layer_norm_eps", 1e-12); }

// Half of the buckets for keys before the query, half for those after it; of each half the first
// half is exact, the rest logarithmic up to kMaxDistance. Float32, as the reference computes it.
int32_t bucket_of(int64_t distance) {
  constexpr int64_t kSide = kBuckets / 2, kExact = kSide / 2;
  const int64_t side = distance < 0 ? kSide : 0, far = std::abs(distance);
  if (far < kExact) return static_cast<int32_t>(side + far);
  const float part = std::log(static_cast<float>(far) / static_cast<float>(kExact)) /
                     std::log(static_cast<float>(kMaxDistance) / static_cast<float>(kExact));
  const auto beyond = static_cast<int64_t>(part * static_cast<float>(kSide - kExact));
  return static_cast<int32_t>(side + std::min(kExact + beyond, kSide - 1));
}

class MPNet final : public Model {
 public:
  MPNet(const checkpoint::Config& config, const checkpoint::Weights& weights);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  void read_bias(const checkpoint::Config& config, const checkpoint::Weights& weights);

  ModelShape shape_;
  nn::TokenEmbedding embedding_;
  ops::NormWeight embedding_norm_;
  std::vector<BertLayer> layers_;
  ops::AttentionBias bias_;  // shared by all layers
};

MPNet::MPNet(const checkpoint::Config& config, const checkpoint::Weights& w)
    : shape_(shape(config)) {
  const checkpoint::Weights e = w / "embeddings";
  embedding_.words = (e / "word_embeddings").table(shape_.vocab, shape_.hidden);
  embedding_.padding_id = kPaddingId;
  embedding_.positions =
      (e / "position_embeddings").table(config.integer("max_position_embeddings"), shape_.hidden);
  embedding_norm_ = (e / "LayerNorm").layer_norm(shape_.hidden, eps(config));
  layers_ = bert_layers(config, w / "encoder" / "layer", shape_, eps(config), kSpelling);
  read_bias(config, w / "encoder" / "relative_attention_bias");
}

void MPNet::read_bias(const checkpoint::Config& config, const checkpoint::Weights& weights) {
  const int64_t rows = config.integer_or("relative_attention_num_buckets", kBuckets, kBuckets);
  const std::vector<float> by_bucket = weights.values("weight", rows, shape_.heads);
  std::vector<float> by_head;  // [heads, kBuckets]
  for (int64_t h = 0; h < shape_.heads; ++h) {
    for (int64_t b = 0; b < kBuckets; ++b)
      by_head.push_back(by_bucket[static_cast<size_t>(b * shape_.heads + h)]);
  }
  std::vector<int32_t> bucket;
  for (int64_t d = -kMaxDistance; d <= kMaxDistance; ++d) bucket.push_back(bucket_of(d));
  Ops& ops = weights.ops();
  bias_.reach = kMaxDistance;
  bias_.buckets = kBuckets;
  bias_.bucket = ops.upload_indices(std::move(bucket));
  bias_.by_head = ops.prepare_parameters(by_head, shape_.heads, kBuckets);
}

Tensor MPNet::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  Tensor x = ops.norm(embedding_.forward(pass), embedding_norm_);
  for (int64_t i = 0; i < shape_.layers; ++i) {
    const BertLayer& layer = layers_[static_cast<size_t>(i)];
    x = layer.attention.forward(pass, x, pass.enter(i, shape_.layers, x), nullptr, bias_);
    x = layer.mlp.forward(ops, x);
  }
  return x;
}

ModelShape shape(const checkpoint::Config& config) {
  ModelShape shape = bert_shape(config);
  if (shape.max_positions <= kPaddingId + 1) {
    throw Error(ErrorCode::kCorrupt, config.file() +
                                         ": max_position_embeddings must be above 2, "
                                         "where positions start");
  }
  shape.max_positions -= kPaddingId + 1;
  return shape;
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"mpnet.", ""}};
  const checkpoint::Weights::Rename parts[] = {{"LayerNorm.gamma", "LayerNorm.weight"},
                                               {"LayerNorm.beta", "LayerNorm.bias"}};
  const std::string_view heads[] = {"pooler.", "lm_head.", "classifier.", "qa_outputs."};
  weights.rename_prefixes(prefixes);
  weights.rename_parts(parts);
  weights.skip(heads);
  return std::make_unique<MPNet>(config, weights);
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& w) {
  return roberta_head(config, kind, labels, w, eps(config));
}

}  // namespace

extern constinit const Family kFamily{
    .name = "mpnet",
    .model_types = {"mpnet"},
    .architectures = {{"MPNetModel"},
                      {"MPNetForMaskedLM", checkpoint::HeadKind::kMaskedLm},
                      {"MPNetForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"MPNetForTokenClassification", checkpoint::HeadKind::kTokenClassification},
                      {"MPNetForQuestionAnswering", checkpoint::HeadKind::kOther},
                      {"MPNetForMultipleChoice", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kCls,
    .tensors = {.words = "embeddings.word_embeddings.weight",
                .prefixes = {"mpnet."},
                .classifiers = kRobertaClassifiers},
    .shape = shape,
    .load = load,
    .head = head,
};

}  // namespace vecton::models::mpnet
