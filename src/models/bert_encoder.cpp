#include "models/bert_encoder.h"

#include <cmath>
#include <string>
#include <utility>

#include "models/equal_heads.h"
#include "nn/activation.h"
#include "vecton/error.h"

namespace vecton::models {

Tensor BertEncoder::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  Tensor x = ops.norm(parts_.embedding.forward(pass), parts_.embedding_norm);
  if (parts_.projection) x = ops.linear(x, *parts_.projection);
  nn::Rotation rope;
  if (parts_.rope) rope = parts_.rope->rotation(pass);
  const auto layers = static_cast<int64_t>(parts_.layers.size());
  for (int64_t i = 0; i < layers; ++i) {
    const BertLayer& layer = parts_.layers[static_cast<size_t>(i)];
    x = layer.attention.forward(pass, x, pass.enter(i, layers, x), parts_.rope ? &rope : nullptr);
    x = layer.mlp.forward(ops, x);
  }
  return x;
}

ModelShape encoder_shape(const checkpoint::Config& config, const BertSpelling& spelling) {
  const int64_t hidden = config.integer(spelling.hidden), heads = config.integer(spelling.heads);
  return {.layers = config.integer(spelling.layers, 1, checkpoint::Config::kMostCounted),
          .hidden = hidden,
          .vocab = config.integer("vocab_size"),
          .max_positions = config.integer(spelling.positions),
          .heads = heads,
          .kv_heads = heads,
          .head_dim = equal_heads(config, spelling.hidden, spelling.heads)};
}

ModelShape bert_shape(const checkpoint::Config& config) {
  config.require("is_decoder", false);
  config.require("add_cross_attention", false);
  return encoder_shape(config);
}

ops::AttentionShape bert_attention(const ModelShape& shape) {
  return {.heads = shape.heads,
          .kv_heads = shape.kv_heads,
          .head_dim = shape.head_dim,
          .scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim))};
}

BertParts bert_embeddings(const ModelShape& shape, const checkpoint::Weights& embeddings,
                          int64_t width, double eps) {
  BertParts parts;
  parts.embedding.words = (embeddings / "word_embeddings").table(shape.vocab, width);
  parts.embedding.types = (embeddings / "token_type_embeddings").table(shape.token_types, width);
  parts.embedding_norm = (embeddings / "LayerNorm").layer_norm(width, eps);
  return parts;
}

std::vector<BertLayer> bert_layers(const checkpoint::Config& config,
                                   const checkpoint::Weights& layers, const ModelShape& shape,
                                   double eps, const BertSpelling& spelling) {
  const int64_t n = shape.hidden, intermediate = config.integer(spelling.intermediate);
  const ops::Activation activation = nn::activation(config, spelling.activation, "gelu");
  const std::pair<std::string, int64_t> kv[] = {{std::string(spelling.key), n},
                                                {std::string(spelling.value), n}};
  std::vector<BertLayer> result;
  for (int64_t i = 0; i < shape.layers; ++i) {
    const checkpoint::Weights w = layers / i;
    result.push_back(
        {.attention =
             nn::PostNormAttention{
                 .attention =
                     nn::SelfAttention{.q = (w / spelling.query).linear(n, n),
                                       .kv = w.stacked(kv, n, checkpoint::Weights::Bias::kRequired),
                                       .out = (w / spelling.out).linear(n, n),
                                       .shape = bert_attention(shape)},
                 .norm = (w / spelling.attention_norm).layer_norm(n, eps)},
         .mlp = nn::PostNormMlp{.mlp = nn::Mlp{.up = (w / spelling.up).linear(intermediate, n),
                                               .down = (w / spelling.down).linear(n, intermediate),
                                               .activation = activation},
                                .norm = (w / spelling.mlp_norm).layer_norm(n, eps)}});
  }
  return result;
}

}  // namespace vecton::models
