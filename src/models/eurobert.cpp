#include "models/eurobert.h"

#include <string>
#include <utility>

#include "checkpoint/labels.h"
#include "models/llama.h"
#include "vecton/error.h"

namespace vecton::eurobert {

static llama::Settings settings(const Config& config) {
  llama::Settings s = llama::settings(config, {.causal = false});
  s.eps = config.number_or("rms_norm_eps", 1e-5);
  s.qkv_bias = s.out_bias = config.boolean_or("attention_bias", false);
  s.mlp_bias = config.boolean_or("mlp_bias", false);
  return s;
}

ModelShape shape(const Config& config) { return settings(config).shape; }

std::unique_ptr<Model> load(const Config& config, Weights weights) {
  const std::string_view heads[] = {"dense.", "classifier."};
  weights.skip(heads);
  return llama::build(settings(config), config, std::move(weights));
}

static HeadWeights sequence_head(const Config& config, const Weights& w) {
  const int64_t n = config.integer("hidden_size");
  const auto labels = static_cast<int64_t>(read_labels(config).size());
  HeadWeights result{
      .steps = {{.linear = (w / "dense").linear(n, n), .activation = Activation::kGelu},
                {.linear = (w / "classifier").linear(labels, n)}}};
  const std::string pooling = config.string_or("classifier_pooling", "late");
  if (pooling == "bos") return result;
  result.pooling = Pooling::kMean;
  if (pooling == "mean") return result;
  if (pooling != "late") {
    throw Error(ErrorCode::kUnsupported, config.file() + ": classifier_pooling \"" + pooling +
                                             "\" is not supported; bos, mean and late are");
  }
  result.token_steps = result.steps.size();  // the mean is of the tokens' logits
  return result;
}

HeadWeights head(const Config& config, HeadKind kind, const Weights& w) {
  const int64_t n = config.integer("hidden_size");
  if (kind == HeadKind::kSequenceClassification) return sequence_head(config, w);
  if (kind == HeadKind::kMaskedLm) {
    const int64_t vocab = config.integer("vocab_size");
    const Weights lm = w / "lm_head";
    LinearWeight decoder =
        (w.has("lm_head.weight") ? lm : w / "embed_tokens").linear(vocab, n, Weights::Bias::kNone);
    if (config.boolean_or("mlp_bias", false)) decoder.bias = lm.vector("bias", vocab);
    return {.every_token = true, .steps = {{.linear = std::move(decoder)}}};
  }
  const auto labels = static_cast<int64_t>(read_labels(config).size());
  return {.every_token = true, .steps = {{.linear = (w / "classifier").linear(labels, n)}}};
}

}  // namespace vecton::eurobert
