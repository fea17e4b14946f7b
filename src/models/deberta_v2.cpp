// DeBERTa v2 and v3: He et al., arXiv:2006.03654 and arXiv:2111.09543.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/bert_encoder.h"
#include "models/family.h"
#include "models/head_steps.h"
#include "nn/activation.h"
#include "nn/post_norm.h"
#include "nn/shifted_rows.h"
#include "nn/token_indices.h"
#include "vecton/error.h"

namespace vecton::models::deberta_v2 {

namespace {

ModelShape shape(const checkpoint::Config& config);

double eps(const checkpoint::Config& config) { return config.number_or("layer_norm_eps", 1e-7); }

int64_t embedding_size(const checkpoint::Config& config) {
  return config.integer_or("embedding_size", config.integer("hidden_size"));
}

bool has_positions(const checkpoint::Config& config) {
  return config.boolean_or("position_biased_input", true);
}

[[noreturn]] void unsupported(const checkpoint::Config& config, const std::string& message) {
  throw Error(ErrorCode::kUnsupported, config.file() + ": " + message);
}

// "a|b" or ["a", "b"].
std::vector<std::string> words_of(const checkpoint::Config& config, const char* key) {
  if (!config.is_string(key)) return config.strings_or_empty(key);
  std::vector<std::string> words(1);
  for (const char c : config.string(key)) {
    if (c == '|') {
      words.emplace_back();
    } else if (c != ' ') {
      words.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return words;
}

// How scores depend on the distance between two tokens.
struct Relative {
  bool present = false, to_position = false, from_position = false;  // c2p, p2c
  bool shares_projections = false, is_normed = false;
  int64_t buckets = 0;    // as config.json counts them; 0 = a bucket per distance
  int64_t distances = 0;  // that are told apart
  int64_t span = 0;       // rows of the table for one direction

  // Terms of a score, whose variance the scale makes up for.
  int64_t terms() const { return 1 + to_position + from_position; }
  // The row of the table for a query `distance` after its key.
  int32_t row(int64_t distance) const;
};

// Exact up to half of the buckets, logarithmic beyond. Float32, as the reference computes it.
int64_t log_bucket(int64_t distance, int64_t buckets, int64_t distances) {
  const int64_t middle = buckets / 2, far = std::abs(distance);
  if (far <= middle) return distance;
  const auto m = static_cast<double>(middle);
  const float part = std::log(static_cast<float>(far) / static_cast<float>(middle)) /
                     std::log(static_cast<float>(static_cast<double>(distances - 1) / m));
  const int64_t bucket =
      static_cast<int64_t>(std::ceil(part * static_cast<float>(middle - 1))) + middle;
  return distance < 0 ? -bucket : bucket;
}

int32_t Relative::row(int64_t distance) const {
  const int64_t bucket = buckets > 0 ? log_bucket(distance, buckets, distances) : distance;
  return static_cast<int32_t>(std::clamp<int64_t>(bucket + span, 0, 2 * span - 1));
}

Relative relative(const checkpoint::Config& config) {
  Relative r{.present = config.boolean_or("relative_attention", false),
             .shares_projections = config.boolean_or("share_att_key", false)};
  for (const std::string& word : words_of(config, "pos_att_type")) {
    if (word != "c2p" && word != "p2c")
      unsupported(config, "pos_att_type \"" + word + "\" is not supported; c2p and p2c are");
    (word == "c2p" ? r.to_position : r.from_position) = true;
  }
  for (const std::string& word : words_of(config, "norm_rel_ebd")) {
    if (word != "layer_norm" && word != "none")
      unsupported(config,
                  "norm_rel_ebd \"" + word + "\" is not supported; layer_norm and none are");
    r.is_normed |= word == "layer_norm";
  }
  r.buckets = std::max<int64_t>(config.integer_or("position_buckets", -1, -1), 0);
  r.distances = config.integer_or("max_relative_positions", -1, -1);
  if (r.distances < 1) r.distances = config.integer("max_position_embeddings");
  r.span = r.buckets > 0 ? r.buckets : r.distances;
  if (r.buckets > 0 && (r.buckets < 4 || r.distances - 1 <= r.buckets / 2)) {
    unsupported(config,
                "position_buckets: expected at least 4 and less than twice "
                "max_relative_positions");
  }
  return r;
}

// One term of the scores: for each head the rows of the table, projected and scaled, in blocks of
// kBlock rows: short texts need those around distance 0 only.
using HeadTables = std::vector<std::vector<ops::PreparedWeight>>;
constexpr int64_t kBlock = 64;

// The distances that occur in a batch and the blocks of the table that they need.
struct Distances {
  int64_t reach = 0;
  size_t first_block = 0, blocks = 0;
  tensor::Indices bucket;  // of -reach .. reach, counted from the first block
};

struct Layer {
  ops::LinearWeight q, kv, out;
  ops::NormWeight attention_norm;
  HeadTables position_keys, position_queries;  // empty = the scores have no such term
  nn::PostNormMlp mlp;
};

// Of the large v2 models: neighbouring rows of the embeddings join the output of the first layer.
struct Convolution {
  int64_t width = 0;
  ops::LinearWeight taps;
  ops::Activation activation = ops::Activation::kTanh;
  ops::NormWeight norm;
};

class DebertaV2 final : public Model {
 public:
  DebertaV2(const checkpoint::Config& config, const checkpoint::Weights& weights);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  Layer layer(const checkpoint::Weights& w, const checkpoint::Config& config,
              const Tensor& positions) const;
  HeadTables head_tables(const checkpoint::Weights& w, const ops::LinearWeight& projection,
                         const Tensor& positions) const;
  Tensor embed(const nn::ForwardPass& pass) const;
  Distances distances(const nn::ForwardPass& pass) const;
  Tensor attend(const nn::ForwardPass& pass, const Layer& layer, const Tensor& x,
                const nn::LayerRows& rows, const Distances& distances) const;
  Tensor convolve(const nn::ForwardPass& pass, const Tensor& embeddings, const Tensor& x,
                  const nn::LayerRows& rows) const;

  ModelShape shape_;
  Relative relative_;
  ops::AttentionShape attention_;
  ops::PreparedWeight words_, positions_, types_;  // positions_ and types_: null = none
  std::optional<ops::LinearWeight> projection_;
  ops::NormWeight embedding_norm_;
  std::vector<Layer> layers_;
  std::optional<Convolution> convolution_;
};

std::optional<Convolution> read_convolution(const checkpoint::Config& config,
                                            const checkpoint::Weights& w, int64_t n) {
  const int64_t width = config.integer_or("conv_kernel_size", 0, 0);
  const ops::Activation activation = nn::activation(config, "conv_act", "tanh");
  config.require("conv_groups", 1);
  if (width == 0) return std::nullopt;
  if (width % 2 == 0) unsupported(config, "conv_kernel_size must be odd");
  return Convolution{.width = width,
                     .taps = (w / "conv").convolution(n, n, width),
                     .activation = activation,
                     .norm = (w / "LayerNorm").layer_norm(n, eps(config))};
}

DebertaV2::DebertaV2(const checkpoint::Config& config, const checkpoint::Weights& w)
    : shape_(shape(config)), relative_(relative(config)), attention_(bert_attention(shape_)) {
  attention_.scale /= std::sqrt(static_cast<float>(relative_.terms()));
  const checkpoint::Weights e = w / "embeddings", encoder = w / "encoder";
  const int64_t n = shape_.hidden, width = embedding_size(config);
  words_ = (e / "word_embeddings").table(shape_.vocab, width);
  if (has_positions(config))
    positions_ = (e / "position_embeddings").table(shape_.max_positions, width);
  if (shape_.token_types > 0)
    types_ = (e / "token_type_embeddings").table(shape_.token_types, width);
  if (width != n)
    projection_ = (e / "embed_proj").linear(n, width, checkpoint::Weights::Bias::kNone);
  embedding_norm_ = (e / "LayerNorm").layer_norm(n, eps(config));

  Tensor positions;
  if (relative_.present) {
    const int64_t rows = 2 * relative_.span;
    positions = w.ops().upload((encoder / "rel_embeddings").values("weight", rows, n), rows, n);
    if (relative_.is_normed)
      positions = w.ops().norm(positions, (encoder / "LayerNorm").layer_norm(n, eps(config)));
  }
  for (int64_t i = 0; i < shape_.layers; ++i)
    layers_.push_back(layer(encoder / "layer" / i, config, positions));
  convolution_ = read_convolution(config, encoder / "conv", n);
}

Layer DebertaV2::layer(const checkpoint::Weights& w, const checkpoint::Config& config,
                       const Tensor& positions) const {
  const int64_t n = shape_.hidden, intermediate = config.integer("intermediate_size");
  const checkpoint::Weights self = w / "attention" / "self", out = w / "attention" / "output";
  const std::pair<std::string, int64_t> kv[] = {{"key_proj", n}, {"value_proj", n}};
  Layer layer{.q = (self / "query_proj").linear(n, n),
              .kv = self.stacked(kv, n, checkpoint::Weights::Bias::kRequired),
              .out = (out / "dense").linear(n, n),
              .attention_norm = (out / "LayerNorm").layer_norm(n, eps(config)),
              .position_keys = {},
              .position_queries = {},
              .mlp = nn::PostNormMlp{
                  .mlp = nn::Mlp{.up = (w / "intermediate" / "dense").linear(intermediate, n),
                                 .down = (w / "output" / "dense").linear(n, intermediate),
                                 .activation = nn::activation(config, "hidden_act", "gelu")},
                  .norm = (w / "output" / "LayerNorm").layer_norm(n, eps(config))}};
  if (!relative_.present) return layer;
  const bool shared = relative_.shares_projections;
  if (relative_.to_position) {
    const checkpoint::Weights key = self / (shared ? "key_proj" : "pos_key_proj");
    layer.position_keys = head_tables(self, key.linear(n, n), positions);
  }
  if (relative_.from_position) {
    const checkpoint::Weights query = self / (shared ? "query_proj" : "pos_query_proj");
    layer.position_queries = head_tables(self, query.linear(n, n), positions);
  }
  return layer;
}

HeadTables DebertaV2::head_tables(const checkpoint::Weights& w, const ops::LinearWeight& projection,
                                  const Tensor& positions) const {
  Ops& ops = w.ops();
  const Tensor projected = ops.scale(ops.linear(positions, projection), attention_.scale);
  HeadTables tables;
  for (int64_t h = 0; h < shape_.heads; ++h) {
    tables.emplace_back();
    for (int64_t row = 0; row < projected.rows(); row += kBlock) {
      const Tensor block = projected.slice_columns(h * shape_.head_dim, shape_.head_dim)
                               .slice_rows(row, std::min(kBlock, projected.rows() - row));
      std::vector<float> values(static_cast<size_t>(block.rows() * block.columns()));
      ops.download(block, values);
      tables.back().push_back(w.computed(std::move(values), block.rows(), block.columns()));
    }
  }
  return tables;
}

Distances DebertaV2::distances(const nn::ForwardPass& pass) const {
  if (!relative_.present || relative_.terms() == 1) return {};
  Distances d{.reach = pass.rows.longest - 1};
  const int64_t first = relative_.row(-d.reach) / kBlock, last = relative_.row(d.reach) / kBlock;
  d.first_block = static_cast<size_t>(first);
  d.blocks = static_cast<size_t>(last - first + 1);
  std::vector<int32_t> bucket;
  for (int64_t distance = -d.reach; distance <= d.reach; ++distance)
    bucket.push_back(relative_.row(distance) - static_cast<int32_t>(first * kBlock));
  d.bucket = pass.ops.upload_indices(std::move(bucket));
  return d;
}

// Of each row of x the products with the rows of its heads' tables: [rows, heads * table rows].
Tensor products(Ops& ops, const Tensor& x, const HeadTables& tables, const Distances& distances) {
  if (tables.empty()) return {};
  std::vector<Tensor> parts;
  int64_t column = 0;
  for (const std::vector<ops::PreparedWeight>& blocks : tables) {
    const Tensor head = x.slice_columns(column, blocks.front()->k);
    for (size_t b = 0; b < distances.blocks; ++b)
      parts.push_back(ops.linear(head, {.w = blocks[distances.first_block + b], .bias = {}}));
    column += head.columns();
  }
  return ops.concat_columns(parts);
}

Tensor DebertaV2::attend(const nn::ForwardPass& pass, const Layer& layer, const Tensor& x,
                         const nn::LayerRows& rows, const Distances& distances) const {
  Ops& ops = pass.ops;
  const int64_t n = shape_.hidden;
  const Tensor residual = rows.of(ops, x);
  const Tensor q = ops.linear(residual, layer.q), kv = ops.linear(x, layer.kv);
  const Tensor k = kv.slice_columns(0, n), v = kv.slice_columns(n, n);
  const Tensor by_query = products(ops, q, layer.position_keys, distances),
               by_key = products(ops, k, layer.position_queries, distances);
  const ops::AttentionBias bias{
      .reach = distances.reach,
      .buckets = std::max(by_query.columns(), by_key.columns()) / shape_.heads,
      .bucket = distances.bucket,
      .by_head = {},
      .by_query = by_query,
      .by_key = by_key};
  const Tensor context =
      ops.attention(q, k, v, attention_, rows.rows(), pass.rows.offsets, bias, {}, pass.attended);
  return ops.norm(ops.linear(context, layer.out, ops::Activation::kIdentity, &residual),
                  layer.attention_norm);
}

Tensor DebertaV2::embed(const nn::ForwardPass& pass) const {
  Ops& ops = pass.ops;
  std::vector<Ops::Lookup> lookups = {{*words_, pass.ids}};
  if (positions_) lookups.push_back({*positions_, pass.rows.index});
  if (types_)
    lookups.push_back({*types_, ops.upload_indices(nn::type_rows(pass.batch, types_->n))});
  Tensor x = ops.embed(lookups);
  if (projection_) x = ops.linear(x, *projection_);
  return ops.norm(std::move(x), embedding_norm_);
}

Tensor DebertaV2::convolve(const nn::ForwardPass& pass, const Tensor& embeddings, const Tensor& x,
                           const nn::LayerRows& rows) const {
  Ops& ops = pass.ops;
  std::vector<Tensor> taps;
  for (int64_t by = -(convolution_->width / 2); by <= convolution_->width / 2; ++by)
    taps.push_back(rows.of(ops, nn::shifted_rows(pass, embeddings, by)));
  return ops.norm(
      ops.linear(ops.concat_columns(taps), convolution_->taps, convolution_->activation, &x),
      convolution_->norm);
}

Tensor DebertaV2::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Tensor embeddings = embed(pass);
  const Distances distances = this->distances(pass);
  Tensor x = embeddings;
  for (int64_t i = 0; i < shape_.layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const nn::LayerRows rows = pass.enter(i, shape_.layers, x);
    x = layer.mlp.forward(ops, attend(pass, layer, x, rows, distances));
    if (i == 0 && convolution_) x = convolve(pass, embeddings, x, rows);
  }
  return x;
}

ModelShape shape(const checkpoint::Config& config) {
  config.require("z_steps", 0);
  ModelShape shape = bert_shape(config);
  shape.token_types = config.integer_or("type_vocab_size", 0, 0);
  config.require("attention_head_size", shape.head_dim);
  relative(config);
  return shape;
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"deberta.", ""}};
  const checkpoint::Weights::Rename parts[] = {{"LayerNorm.gamma", "LayerNorm.weight"},
                                               {"LayerNorm.beta", "LayerNorm.bias"}};
  const std::string_view heads[] = {"pooler.",         "classifier.",       "cls.",
                                    "lm_predictions.", "mask_predictions.", "qa_outputs."};
  const std::string_view unused[] = {"embeddings.position_embeddings."};
  const std::string_view unused_norm[] = {"encoder.LayerNorm."};
  weights.rename_prefixes(prefixes);
  weights.rename_parts(parts);
  weights.skip(heads);
  if (!has_positions(config)) weights.skip(unused);
  if (!relative(config).present) weights.skip(unused_norm);
  return std::make_unique<DebertaV2>(config, weights);
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& w) {
  const int64_t n = config.integer("hidden_size"), vocab = config.integer("vocab_size");
  const checkpoint::Weights words = w / "embeddings" / "word_embeddings";
  if (kind == checkpoint::HeadKind::kTokenClassification)
    return token_classifier(w / "classifier", labels, n);
  if (kind == checkpoint::HeadKind::kSequenceClassification) {
    config.require("pooler_hidden_size", n);
    checkpoint::HeadWeights head = first_token_classifier(
        (w / "pooler" / "dense").linear(n, n), nn::activation(config, "pooler_hidden_act", "gelu"),
        w / "classifier", labels, n);
    head.pooler_steps = 1;
    return head;
  }
  const bool legacy = config.boolean_or("legacy", true);
  const checkpoint::Weights lm =
      legacy ? w / "cls" / "predictions" : w / "lm_predictions" / "lm_head";
  const checkpoint::Weights transform = legacy ? lm / "transform" : lm;
  const int64_t width = legacy ? embedding_size(config) : n;
  return masked_lm({.linear = (transform / "dense").linear(width, n),
                    .activation = nn::activation(config, "hidden_act", "gelu"),
                    .norm = (transform / "LayerNorm").layer_norm(width, eps(config))},
                   lm / "decoder", words, decoder_bias(lm, vocab), vocab, width);
}

}  // namespace

extern constinit const Family kFamily{
    .name = "deberta_v2",
    .model_types = {"deberta-v2"},
    .architectures = {{"DebertaV2Model"},
                      {"DebertaV2ForMaskedLM", checkpoint::HeadKind::kMaskedLm},
                      {"DebertaV2ForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"DebertaV2ForTokenClassification",
                       checkpoint::HeadKind::kTokenClassification},
                      {"DebertaV2ForQuestionAnswering", checkpoint::HeadKind::kOther},
                      {"DebertaV2ForMultipleChoice", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kCls,
    .tensors = {.words = "embeddings.word_embeddings.weight",
                .prefixes = {"deberta."},
                .classifiers = kBertClassifiers},
    .shape = shape,
    .load = load,
    .head = head,
};

}  // namespace vecton::models::deberta_v2
