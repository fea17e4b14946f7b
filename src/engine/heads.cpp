#include "engine/heads.h"

#include <algorithm>
#include <set>
#include <utility>

#include "checkpoint/side_heads.h"
#include "heads/classifier_head.h"
#include "heads/embedding_head.h"
#include "heads/fill_mask_head.h"
#include "heads/sparse_head.h"
#include "heads/token_choice_head.h"
#include "heads/token_embedding_head.h"
#include "heads/vector_classifier_head.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

// A layer of its own file beside the model.
ops::LinearWeight linear_beside(const Plan& plan, std::string_view name, Ops& ops) {
  const checkpoint::Weights weights =
      checkpoint::Weights::beside(plan.folder, std::string(name), ops);
  ops::LinearWeight linear = weights.linear(weights.rows_of("weight"), plan.shape.hidden,
                                            checkpoint::Weights::Bias::kIfPresent);
  weights.check_taken();
  return linear;
}

std::unique_ptr<heads::Head> token_embedding_head(const Plan& plan,
                                                  const checkpoint::Weights& weights, Ops& ops) {
  std::optional<ops::LinearWeight> linear;
  const checkpoint::Weights projection = weights / "linear";
  // Of models that read images some compare what their last layer gives.
  const bool projects = !plan.images || projection.has("weight");
  if (plan.late_interaction && plan.late_interaction->linear_in_model && projects) {
    const int64_t rows = projection.rows_of("weight"),
                  kept = plan.images ? plan.images->kept_dimensions : 0;
    linear = projection.linear_rows(0, kept > 0 ? kept : rows, rows, plan.shape.hidden,
                                    checkpoint::Weights::Bias::kIfPresent);
  }
  if (plan.side_heads) linear = linear_beside(plan, checkpoint::kColbertLinear, ops);
  std::vector<checkpoint::RowModule> modules = plan.token_modules;
  checkpoint::take_last_normalize(modules);  // Plan::normalize_tokens
  return std::make_unique<heads::TokenEmbeddingHead>(
      std::move(linear), heads::RowModules(modules, plan.shape.hidden, ops), plan.normalize_tokens,
      plan.side_heads);
}

// The pooled rows through `modules`.
heads::EmbeddingHead embedding_head(const Plan& plan,
                                    std::span<const checkpoint::RowModule> modules,
                                    const heads::EmbeddingHead::Defaults& defaults, Ops& ops) {
  heads::RowModules of_tokens(plan.token_modules, plan.shape.hidden, ops);
  const int64_t pooled = of_tokens.columns() * static_cast<int64_t>(plan.pooling.size());
  const bool include_prompt = !plan.pipeline.pooling || plan.pipeline.pooling->include_prompt;
  return {std::move(of_tokens), plan.pooling, include_prompt,
          heads::RowModules(modules, pooled, ops), defaults};
}

std::unique_ptr<heads::Head> lexical_head(const Plan& plan, const Tokenizer& tokenizer, Ops& ops) {
  std::set<int32_t> special;
  for (const char* name :
       {"cls_token", "bos_token", "eos_token", "sep_token", "pad_token", "unk_token"}) {
    if (const auto id = tokenizer.special_token_id(name)) special.insert(*id);
  }
  return std::make_unique<heads::LexicalHead>(linear_beside(plan, checkpoint::kSparseLinear, ops),
                                              std::move(special));
}

// The table of words, where the head is tied to it. Error: kCorrupt when it is not, and missing.
checkpoint::Weights lm_head(const Plan& plan, const checkpoint::Weights& weights) {
  if (weights.has("lm_head.weight")) return weights / "lm_head";
  if (!plan.config.boolean_or("tie_word_embeddings", true)) {
    throw Error(ErrorCode::kCorrupt,
                plan.config.file() +
                    ": tie_word_embeddings is false, and the checkpoint has no lm_head.weight, "
                    "which generation and the logits of tokens need: a checkpoint of the backbone "
                    "alone gives embeddings");
  }
  return weights / "embed_tokens";
}

// What becomes of logits.
checkpoint::HeadWeights logit_settings(const Plan& plan, const checkpoint::Weights& weights) {
  return plan.family->head ? plan.family->head(plan.config, plan.head, 0, weights)
                           : checkpoint::HeadWeights();
}

// The rows of lm_head, or of the table of words that it is tied to, of some tokens.
std::unique_ptr<heads::Head> token_choice_head(const Plan& plan, const Tokenizer& tokenizer,
                                               const checkpoint::Weights& weights) {
  const checkpoint::Weights head = lm_head(plan, weights);
  std::vector<int64_t> ids = plan.choice_token_ids;
  for (const std::string& token : plan.classifier_from_token) {
    const auto id = tokenizer.token_to_id(token);
    if (!id || *id >= plan.shape.vocab) {
      throw Error(ErrorCode::kInvalidArgument,
                  "classifier_from_token: \"" + token + "\" is not a token of the vocabulary",
                  "hf_overrides");
    }
    ids.push_back(*id);
  }
  std::vector<ops::LinearWeight> rows;
  for (const int64_t id : ids) {
    if (id >= plan.shape.vocab) {
      throw Error(ErrorCode::kCorrupt, plan.folder.string() +
                                           ": its LogitScore module names token " +
                                           std::to_string(id) + "; the vocabulary has " +
                                           std::to_string(plan.shape.vocab));
    }
    rows.push_back(head.linear_rows(id, 1, plan.shape.vocab, plan.shape.hidden,
                                    checkpoint::Weights::Bias::kIfPresent));
  }
  const checkpoint::HeadWeights causal = logit_settings(plan, weights);
  return std::make_unique<heads::TokenChoiceHead>(std::move(rows), causal.logit_scale,
                                                  causal.logit_softcap, plan.activation);
}

// The token that ends a step: the architecture's; where STEP is asked for, any of the family's.
std::string_view step_token(const Plan& plan) {
  const models::Architecture* own = plan.family->find(plan.architecture);
  if (own && (!own->step_token.empty() || !plan.step)) return own->step_token;
  for (const models::Architecture& architecture : plan.family->architectures) {
    if (plan.step && !architecture.step_token.empty()) return architecture.step_token;
  }
  return {};
}

heads::ClassifierHead::Step step_of(const Plan& plan, const Tokenizer& tokenizer) {
  heads::ClassifierHead::Step step;
  if (plan.step_tag_id) {
    step.tag = static_cast<int32_t>(*plan.step_tag_id);
  } else {
    const std::string token(step_token(plan));
    if (!token.empty()) step.tag = tokenizer.token_to_id(token);
    if (!step.tag && plan.step) {
      throw Error(ErrorCode::kInvalidArgument,
                  "pooler_config: pooling_type STEP needs step_tag_id, the id of the token that "
                  "ends a step",
                  "pooler_config");
    }
  }
  for (const int64_t column : plan.returned_token_ids) {
    if (!plan.labels.empty() && column >= static_cast<int64_t>(plan.labels.size())) {
      throw Error(ErrorCode::kInvalidArgument,
                  "pooler_config: returned_token_ids: " + std::to_string(column) +
                      " is out of range; there are " + std::to_string(plan.labels.size()) +
                      " labels",
                  "pooler_config");
    }
    step.columns.push_back(static_cast<int32_t>(column));
  }
  return step;
}

// The classifier of a text at each of its tokens: vLLM's token_classify of such models.
checkpoint::HeadWeights of_tokens(checkpoint::HeadWeights head) {
  head.every_token = true;
  head.steps.erase(head.steps.begin(),
                   head.steps.begin() + static_cast<std::ptrdiff_t>(head.pooler_steps));
  return head;
}

}  // namespace

heads::CausalLmHead load_causal_lm_head(const Plan& plan, const checkpoint::Weights& weights) {
  const checkpoint::HeadWeights causal = logit_settings(plan, weights);
  return {lm_head(plan, weights)
              .linear(plan.shape.vocab, plan.shape.hidden, checkpoint::Weights::Bias::kIfPresent),
          causal.logit_scale, causal.logit_softcap};
}

Heads load_heads(const Plan& plan, const Tokenizer& tokenizer, const checkpoint::Weights& weights,
                 Ops& ops) {
  Heads heads;
  const auto has = [&](Task task) { return std::ranges::count(plan.tasks, task) > 0; };
  const std::optional<int64_t> most = plan.modules.max_active_dims;
  if (has(Task::kEmbed)) {
    heads[Task::kEmbed] = std::make_unique<heads::EmbeddingHead>(
        embedding_head(plan, plan.vector_modules,
                       {.normalize = plan.normalize,
                        .dimensions = plan.default_dimensions,
                        .truncate = plan.modules.truncate_dim},
                       ops));
  }
  if (has(Task::kTokenEmbed)) heads[Task::kTokenEmbed] = token_embedding_head(plan, weights, ops);
  if (plan.side_heads) heads[Task::kSparseEmbed] = lexical_head(plan, tokenizer, ops);
  if (plan.pipeline.input.kind == checkpoint::InputModule::Kind::kSparseStaticEmbedding)
    heads[Task::kSparseEmbed] = std::make_unique<heads::StaticWeightsHead>(most);
  if (plan.pipeline.dense_scores && !has(Task::kEmbed)) {
    for (const Task task : plan.tasks) {
      heads[task] = std::make_unique<heads::VectorClassifierHead>(
          embedding_head(plan, plan.pipeline.vector_modules, {}, ops), plan.activation);
    }
  }
  if (plan.head == checkpoint::HeadKind::kNone) return heads;

  if (plan.head == checkpoint::HeadKind::kCausalLm) {
    if (!has(Task::kScore)) return heads;
    heads[Task::kScore] = token_choice_head(plan, tokenizer, weights);
    heads[Task::kClassify] = token_choice_head(plan, tokenizer, weights);
    return heads;
  }
  const checkpoint::HeadWeights layers =
      plan.family->head(plan.config, plan.head, static_cast<int64_t>(plan.labels.size()), weights);
  if (plan.head == checkpoint::HeadKind::kMaskedLm) {
    if (plan.pipeline.splade) {
      heads[Task::kSparseEmbed] = std::make_unique<heads::SpladeHead>(
          layers, *plan.pipeline.splade,
          heads::RowModules(plan.pipeline.vector_modules, plan.shape.vocab, ops), most);
    }
    if (const auto mask = tokenizer.special_token_id("mask_token"))
      heads[Task::kFillMask] = std::make_unique<heads::FillMaskHead>(layers, *mask);
    heads[Task::kTokenClassify] =
        std::make_unique<heads::ClassifierHead>(layers, heads::LabelActivation::kSoftmax);
    return heads;
  }
  if (plan.head == checkpoint::HeadKind::kTokenClassification) {
    heads[Task::kTokenClassify] =
        std::make_unique<heads::ClassifierHead>(layers, plan.activation, step_of(plan, tokenizer));
    return heads;
  }
  for (const Task task : plan.tasks) {
    heads[task] = std::make_unique<heads::ClassifierHead>(
        task == Task::kTokenClassify ? of_tokens(layers) : layers, plan.activation);
  }
  return heads;
}

}  // namespace vecton::engine
