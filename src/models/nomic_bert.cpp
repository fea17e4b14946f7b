// NomicBERT: Nussbaum et al. 2024, arXiv:2402.01613; with mixtures of experts in every second layer
// or so: Nussbaum and Duderstadt 2025, arXiv:2502.07972.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/weight_rows.h"
#include "models/bert_encoder.h"
#include "models/experts.h"
#include "models/family.h"
#include "models/head_steps.h"
#include "nn/activation.h"
#include "nn/post_norm.h"
#include "nn/rope.h"
#include "nn/token_embedding.h"
#include "vecton/error.h"

namespace vecton::models::nomic_bert {

namespace {

struct Layer {
  nn::PostNormAttention attention;
  nn::PostNormMlp mlp;
};

checkpoint::Weights::Bias bias_if(bool present) {
  return present ? checkpoint::Weights::Bias::kRequired : checkpoint::Weights::Bias::kNone;
}

// Nomic's own files have the keys of GPT-2, transformers' those of BERT.
struct Settings {
  ModelShape shape;
  int64_t intermediate = 0;
  double eps = 0;
  ops::Activation activation = ops::Activation::kSilu;
  bool gated = true;
  checkpoint::Weights::Bias attention_bias = checkpoint::Weights::Bias::kNone,
                            up_bias = checkpoint::Weights::Bias::kNone,
                            down_bias = checkpoint::Weights::Bias::kNone;
  nn::RopeOptions rope;
  int64_t every = 0;  // layers 1, 1 + every, 1 + 2 every and so on are mixtures; 0 = none
  ExpertSizes experts;
  ops::Router routing;
};

struct Activation {
  std::string_view name;
  ops::Activation activation;
  bool gated = true;
};
constexpr Activation kActivations[] = {{"swiglu", ops::Activation::kSilu},
                                       {"geglu", ops::Activation::kGelu},
                                       {"glu", ops::Activation::kSigmoid},
                                       {"gelu", ops::Activation::kGelu, false},
                                       {"gelu_new", ops::Activation::kGeluTanh, false},
                                       {"gelu_fast", ops::Activation::kGeluTanh, false},
                                       {"gelu_pytorch_tanh", ops::Activation::kGeluTanh, false}};

const Activation& activation_of(const checkpoint::Config& config) {
  const std::string name = config.string("activation_function");
  std::string known;
  for (const Activation& each : kActivations) {
    if (each.name == name) return each;
    known += (known.empty() ? "" : ", ") + std::string(each.name);
  }
  throw Error(ErrorCode::kUnsupported, config.file() + ": activation_function \"" + name +
                                           "\" is not supported; one of " + known + " is");
}

void refuse_other_topologies(const checkpoint::Config& config) {
  for (const char* key : {"prenorm", "parallel_block", "parallel_block_tied_norm", "use_rms_norm",
                          "causal", "scale_attn_by_inverse_layer_idx", "rotary_emb_interleaved"})
    config.require(key, false);
  config.require("scale_attn_weights", true);
  config.require("rotary_emb_scale_base", nullptr);
}

void add_mixtures(const checkpoint::Config& config, Settings& s) {
  s.every = config.integer_or("moe_every_n_layers", 0, 0);
  if (s.every == 0) {
    config.require("num_experts", 0);
    config.ignore({"moe_top_k", "moe_normalize_expert_weights"});
    return;
  }
  if (s.every == 1 || s.gated) {
    throw Error(ErrorCode::kUnsupported,
                config.file() +
                    ": moe_every_n_layers: expected 0, or at least 2 beside an "
                    "activation_function without a gate");
  }
  config.require("moe_normalize_expert_weights", false);
  const int64_t count = config.integer("num_experts", 1, checkpoint::Config::kMostCounted);
  s.experts = {.count = count, .width = s.intermediate, .hidden = s.shape.hidden};
  s.routing.k = config.integer("moe_top_k", 1, count);
}

// The part of a head that turns; 0 stands for positions of a table.
double rotary_fraction(const checkpoint::Config& config) {
  const double fraction = config.number_or("rotary_emb_fraction", 0);
  if (fraction > 0 && fraction <= 1) return fraction;
  throw Error(ErrorCode::kUnsupported,
              config.file() + ": rotary_emb_fraction: a number above 0 and at most 1 is supported");
}

Settings nomic_settings(const checkpoint::Config& config) {
  refuse_other_topologies(config);
  config.ignore({"pad_vocab_size_multiple"});  // vocab_size has been rounded up to it
  ModelShape shape = encoder_shape(
      config,
      {.layers = "n_layer", .hidden = "n_embd", .heads = "n_head", .positions = "n_positions"});
  shape.token_types = config.integer_or("type_vocab_size", 2, 0);
  const int64_t trained = config.integer_or("max_trained_positions", 2048);
  // Longer texts would turn at a rate of their own, each by its length.
  if (config.number_or("rotary_scaling_factor", 0) != 0)
    shape.max_positions = std::min(shape.max_positions, trained);
  const Activation& activation = activation_of(config);
  Settings s{.shape = shape,
             .intermediate = config.integer("n_inner"),
             .eps = config.number_or("layer_norm_epsilon", 1e-5),
             .activation = activation.activation,
             .gated = activation.gated,
             .attention_bias = bias_if(config.boolean_or("qkv_proj_bias", true)),
             .up_bias = bias_if(config.boolean_or("mlp_fc1_bias", true)),
             .down_bias = bias_if(config.boolean_or("mlp_fc2_bias", true)),
             .rope = {.theta = 10000,
                      .theta_key = "rotary_emb_base",
                      .partial_rotary_factor = rotary_fraction(config)}};
  add_mixtures(config, s);
  return s;
}

Settings transformers_settings(const checkpoint::Config& config) {
  ModelShape shape = encoder_shape(config);
  shape.head_dim = config.integer_or("head_dim", shape.head_dim);
  shape.token_types = config.integer_or("type_vocab_size", 2, 0);
  return {.shape = shape,
          .intermediate = config.integer("intermediate_size"),
          .eps = config.number_or("layer_norm_eps", 1e-12),
          .activation = nn::activation(config, "hidden_act", "silu"),
          .rope = {.theta = 1000}};
}

Settings settings(const checkpoint::Config& config) {
  return config.has("n_embd") ? nomic_settings(config) : transformers_settings(config);
}

// As Nomic's files have them, up [experts width, hidden] and down its like, or stacked.
nn::MixtureOfExperts mixture(const checkpoint::Weights& w, const Settings& s) {
  const auto& [count, width, hidden] = s.experts;
  const checkpoint::Weights own = w / "experts", mlp = own / "mlp", stacked = w / "switch_mlp";
  const bool is_stacked = stacked.has("up_proj.weight");
  const tensor::Weight up = is_stacked ? stacked.stack("up_proj.weight", count, width, hidden)
                                       : mlp.matrix("w1", count * width, hidden);
  const tensor::Weight down =
      is_stacked ? stacked.stack("down_proj.weight", count, hidden, width)
                 : checkpoint::transposed(mlp.matrix("w2", count * width, hidden), count);
  nn::MixtureOfExperts made{.router = (w / "router" / "layer")
                                          .in_float32()
                                          .linear(count, hidden, checkpoint::Weights::Bias::kNone),
                            .routing = s.routing,
                            .experts = {.all = {}, .activation = s.activation}};
  for (int64_t e = 0; e < count; ++e) {
    made.experts.all.push_back(
        {.up = w.linear_of(checkpoint::row_slice(up, e * width, width)),
         .down = w.linear_of(checkpoint::row_slice(down, e * hidden, hidden))});
  }
  if (own.has("bias")) made.bias = own.vector("bias", hidden);
  return made;
}

class NomicBert final : public Model {
 public:
  NomicBert(const checkpoint::Config& config, const checkpoint::Weights& weights);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  Layer layer(const checkpoint::Weights& w, int64_t index) const;
  nn::FeedForward feed_forward(const checkpoint::Weights& w, int64_t index) const;

  Settings settings_;
  nn::Rope rope_;
  nn::TokenEmbedding embedding_;
  ops::NormWeight embedding_norm_;
  std::vector<Layer> layers_;
};

NomicBert::NomicBert(const checkpoint::Config& config, const checkpoint::Weights& w)
    : settings_(settings(config)), rope_(config, settings_.shape.head_dim, settings_.rope) {
  const ModelShape& shape = settings_.shape;
  embedding_.words = (w / "embeddings" / "word_embeddings").table(shape.vocab, shape.hidden);
  if (shape.token_types > 0)
    embedding_.types =
        (w / "embeddings" / "token_type_embeddings").table(shape.token_types, shape.hidden);
  embedding_norm_ = (w / "emb_ln").layer_norm(shape.hidden, settings_.eps);
  for (int64_t i = 0; i < shape.layers; ++i)
    layers_.push_back(layer(w / "encoder" / "layers" / i, i));
}

nn::FeedForward NomicBert::feed_forward(const checkpoint::Weights& w, int64_t index) const {
  const Settings& s = settings_;
  const int64_t n = s.shape.hidden, width = s.intermediate;
  if (s.every > 0 && index % s.every == 1) return mixture(w, s);
  nn::Mlp mlp{
      .up = {}, .down = (w / "fc2").linear(n, width, s.down_bias), .activation = s.activation};
  if (s.gated) {
    mlp.up = w.gated("fc12", "fc11", width, n, s.up_bias);
  } else {
    mlp.up = (w / "fc1").linear(width, n, s.up_bias);
  }
  return mlp;
}

Layer NomicBert::layer(const checkpoint::Weights& w, int64_t index) const {
  const ModelShape& s = settings_.shape;
  const int64_t n = s.hidden, rows = s.heads * s.head_dim;
  const checkpoint::Weights attention = w / "attn", qkv = attention / "Wqkv";
  const auto bias = settings_.attention_bias;
  return {.attention =
              nn::PostNormAttention{
                  .attention =
                      nn::SelfAttention{.q = qkv.linear_rows(0, rows, 3 * rows, n, bias),
                                        .kv = qkv.linear_rows(rows, 2 * rows, 3 * rows, n, bias),
                                        .out = (attention / "out_proj").linear(n, rows, bias),
                                        .shape = bert_attention(s)},
                  .norm = (w / "norm1").layer_norm(n, settings_.eps)},
          .mlp = nn::PostNormMlp{.mlp = feed_forward(w / "mlp", index),
                                 .norm = (w / "norm2").layer_norm(n, settings_.eps)}};
}

Tensor NomicBert::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const nn::Rotation rope = rope_.rotation(pass);
  const int64_t layers = settings_.shape.layers;
  Tensor x = ops.norm(embedding_.forward(pass), embedding_norm_);
  for (int64_t i = 0; i < layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    x = layer.attention.forward(pass, x, pass.enter(i, layers, x), &rope);
    x = layer.mlp.forward(ops, x);
  }
  return x;
}

ModelShape shape(const checkpoint::Config& config) { return settings(config).shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"bert.", ""}, {"nomic_bert.", ""}};
  const std::string_view heads[] = {"pooler.", "cls.", "classifier.", "qa_outputs."};
  weights.rename_prefixes(prefixes);
  weights.skip(heads);
  return std::make_unique<NomicBert>(config, weights);
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& w) {
  const Settings s = settings(config);
  const int64_t n = s.shape.hidden, vocab = s.shape.vocab;
  if (kind != checkpoint::HeadKind::kMaskedLm) return bert_classifier(kind, labels, w, n);
  const checkpoint::Weights predictions = w / "cls" / "predictions",
                            transform = predictions / "transform";
  const bool biased = predictions.has("bias") || predictions.has("decoder.bias");
  return masked_lm(
      {.linear = (transform / "dense").linear(n, n, checkpoint::Weights::Bias::kIfPresent),
       .activation = s.activation,
       .norm = (transform / "layer_norm").layer_norm(n, s.eps)},
      predictions / "decoder", w / "embeddings" / "word_embeddings",
      biased ? decoder_bias(predictions, vocab) : ops::Vector(), vocab, n);
}

}  // namespace

extern constinit const Family kFamily{
    .name = "nomic_bert",
    .model_types = {"nomic_bert"},
    .architectures = {{"NomicBertModel"},
                      {"NomicBertForMaskedLM", checkpoint::HeadKind::kMaskedLm},
                      {"NomicBertForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"NomicBertForTokenClassification",
                       checkpoint::HeadKind::kTokenClassification},
                      {"NomicBertForPreTraining", checkpoint::HeadKind::kMaskedLm}},
    .default_pooling = ops::Pooling::kCls,
    .tensors = {.words = "embeddings.word_embeddings.weight",
                .prefixes = {"bert.", "nomic_bert."},
                .classifiers = kBertClassifiers},
    .shape = shape,
    .load = load,
    .head = head,
    .matryoshka = {{"nomic-embed-text-v1.5", {512, 256, 128, 64}},
                   {"nomic-embed-text-v2-moe", {256}}},
};

}  // namespace vecton::models::nomic_bert
