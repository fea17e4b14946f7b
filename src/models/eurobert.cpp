// EuroBERT: Llama's blocks, where every token sees all others. Boizard et al. 2025,
// arXiv:2503.05500.
#include <string>
#include <utility>

#include "models/family.h"
#include "models/llama.h"
#include "vecton/error.h"

namespace vecton::models::eurobert {

namespace {

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config, {.causal = false});
  s.eps = config.number_or("rms_norm_eps", 1e-5);
  s.qkv_bias = s.out_bias = config.boolean_or("attention_bias", false);
  s.mlp_bias = config.boolean_or("mlp_bias", false);
  return s;
}

ModelShape shape(const checkpoint::Config& config) { return settings(config).shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const std::string_view heads[] = {"dense.", "classifier."};
  weights.skip(heads);
  return llama::build(settings(config), config, std::move(weights));
}

checkpoint::HeadWeights sequence_head(const checkpoint::Config& config, int64_t labels,
                                      const checkpoint::Weights& w) {
  const int64_t n = config.integer("hidden_size");
  checkpoint::HeadWeights result{
      .steps = {{.linear = (w / "dense").linear(n, n), .activation = ops::Activation::kGelu},
                {.linear = (w / "classifier").linear(labels, n)}}};
  const std::string pooling = config.string_or("classifier_pooling", "late");
  if (pooling == "bos") return result;
  result.pooling = ops::Pooling::kMean;
  if (pooling == "mean") return result;
  if (pooling != "late") {
    throw Error(ErrorCode::kUnsupported, config.file() + ": classifier_pooling \"" + pooling +
                                             "\" is not supported; bos, mean and late are");
  }
  result.token_steps = result.steps.size();  // the mean is of the tokens' logits
  return result;
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& w) {
  const int64_t n = config.integer("hidden_size");
  if (kind == checkpoint::HeadKind::kSequenceClassification)
    return sequence_head(config, labels, w);
  if (kind == checkpoint::HeadKind::kMaskedLm) {
    const int64_t vocab = config.integer("vocab_size");
    const checkpoint::Weights lm = w / "lm_head";
    ops::LinearWeight decoder = (w.has("lm_head.weight") ? lm : w / "embed_tokens")
                                    .linear(vocab, n, checkpoint::Weights::Bias::kNone);
    if (config.boolean_or("mlp_bias", false)) decoder.bias = lm.vector("bias", vocab);
    return {.every_token = true, .steps = {{.linear = std::move(decoder)}}};
  }
  return {.every_token = true, .steps = {{.linear = (w / "classifier").linear(labels, n)}}};
}

}  // namespace

extern constinit const Family kFamily{
    .name = "eurobert",
    .model_types = {"eurobert"},
    .architectures = {{"EuroBertModel"},
                      {"EuroBertForMaskedLM", checkpoint::HeadKind::kMaskedLm},
                      {"EuroBertForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"EuroBertForTokenClassification",
                       checkpoint::HeadKind::kTokenClassification}},
    .default_pooling = ops::Pooling::kMean,
    .tensors = {.words = "embed_tokens.weight",
                .prefixes = {"model."},
                .classifiers = {{checkpoint::HeadKind::kSequenceClassification,
                                 {"dense.weight", "classifier.weight"}},
                                {checkpoint::HeadKind::kTokenClassification,
                                 {"classifier.weight"}}}},
    .shape = shape,
    .load = load,
    .head = head,
    .matryoshka = {{"jina-embeddings-v5-text", {512, 256, 128, 64, 32}}},
};

}  // namespace vecton::models::eurobert
