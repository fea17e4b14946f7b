#include "models/distilbert.h"

#include <string>
#include <utility>

#include "models/bert_encoder.h"
#include "models/head_steps.h"
#include "nn/activation.h"
#include "vecton/error.h"

namespace vecton::distilbert {

namespace {

constexpr double kEps = 1e-12;  // config.json has no key for it

std::vector<BertLayer> read_layers(const Config& config, const Weights& layers,
                                   const ModelShape& shape) {
  const int64_t n = shape.hidden, intermediate = config.integer("hidden_dim");
  const Activation activation = nn::activation(config, "activation", "gelu");
  const std::pair<std::string, int64_t> kv[] = {{"k_lin", n}, {"v_lin", n}};
  std::vector<BertLayer> result;
  for (int64_t i = 0; i < shape.layers; ++i) {
    const Weights w = layers / i, self = w / "attention", ffn = w / "ffn";
    result.push_back(
        {.attention = {.attention = {.q = (self / "q_lin").linear(n, n),
                                     .kv = self.stacked(kv, n, Weights::Bias::kRequired),
                                     .out = (self / "out_lin").linear(n, n),
                                     .shape = bert_attention(shape)},
                       .norm = (w / "sa_layer_norm").layer_norm(n, kEps)},
         .mlp = {.up = (ffn / "lin1").linear(intermediate, n),
                 .down = (ffn / "lin2").linear(n, intermediate),
                 .activation = activation,
                 .norm = (w / "output_layer_norm").layer_norm(n, kEps)}});
  }
  return result;
}

}  // namespace

ModelShape shape(const Config& config) {
  config.ignore({"sinusoidal_pos_embds"});  // how the table of the file was made
  const int64_t hidden = config.integer("dim"), heads = config.integer("n_heads");
  if (hidden % heads != 0)
    throw Error(ErrorCode::kCorrupt, config.file() + ": dim must be a multiple of n_heads");
  return {.layers = config.integer("n_layers"),
          .hidden = hidden,
          .vocab = config.integer("vocab_size"),
          .max_positions = config.integer("max_position_embeddings"),
          .heads = heads,
          .kv_heads = heads,
          .head_dim = hidden / heads};
}

std::unique_ptr<Model> load(const Config& config, Weights weights) {
  const Weights::Rename prefixes[] = {{"distilbert.", ""}};
  const Weights::Rename parts[] = {{"LayerNorm.gamma", "LayerNorm.weight"},
                                   {"LayerNorm.beta", "LayerNorm.bias"}};
  const std::string_view heads[] = {"pre_classifier.",  "classifier.",       "qa_outputs.",
                                    "vocab_transform.", "vocab_layer_norm.", "vocab_projector."};
  weights.rename_prefixes(prefixes);
  weights.rename_parts(parts);
  weights.skip(heads);
  const ModelShape shape = distilbert::shape(config);
  const Weights embeddings = weights / "embeddings";
  BertParts model;
  model.embedding.words = (embeddings / "word_embeddings").table(shape.vocab, shape.hidden);
  model.embedding.positions =
      (embeddings / "position_embeddings").table(shape.max_positions, shape.hidden);
  model.embedding_norm = (embeddings / "LayerNorm").layer_norm(shape.hidden, kEps);
  model.layers = read_layers(config, weights / "transformer" / "layer", shape);
  return std::make_unique<BertEncoder>(std::move(model));
}

HeadWeights head(const Config& config, HeadKind kind, const Weights& w) {
  const int64_t n = config.integer("dim"), vocab = config.integer("vocab_size");
  if (kind == HeadKind::kTokenClassification) return token_classifier(config, w / "classifier", n);
  if (kind == HeadKind::kSequenceClassification) {
    return first_token_classifier(config, (w / "pre_classifier").linear(n, n), Activation::kRelu,
                                  w / "classifier", n);
  }
  const Weights projector = w / "vocab_projector";
  return masked_lm({.linear = (w / "vocab_transform").linear(n, n),
                    .activation = nn::activation(config, "activation", "gelu"),
                    .norm = (w / "vocab_layer_norm").layer_norm(n, kEps)},
                   projector, w / "embeddings" / "word_embeddings", projector.vector("bias", vocab),
                   vocab, n);
}

}  // namespace vecton::distilbert
