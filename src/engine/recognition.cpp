#include "engine/recognition.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "base/json.h"
#include "checkpoint/labels.h"
#include "checkpoint/late_interaction.h"
#include "engine/adapted.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

// The tensor called `name`, whatever wrappers and the family's class put before it.
const checkpoint::StoredTensor* find_tensor(const checkpoint::Tensors& tensors,
                                            std::string_view name) {
  const std::string ending = "." + std::string(name);
  for (const auto& [own, tensor] : tensors) {
    if (own == name || own.ends_with(ending)) return &tensor;
  }
  return nullptr;
}

int64_t count_labels(const Plan& plan) {
  return static_cast<int64_t>(
      checkpoint::read_labels(plan.config, plan.family->default_labels(plan.config)).size());
}

// A classifier that has all its tensors, and a row for each label.
checkpoint::HeadKind classifier_of(const Plan& plan, const checkpoint::Tensors& tensors) {
  const bool of_tokens = plan.architecture.find("TokenClassification") != std::string::npos;
  for (const models::HeadSign& sign : plan.family->tensors.classifiers) {
    if (of_tokens && sign.head != checkpoint::HeadKind::kTokenClassification) continue;
    const checkpoint::StoredTensor* last = nullptr;
    const bool all = std::ranges::all_of(sign.tensors, [&](std::string_view name) {
      last = find_tensor(tensors, name);
      return last != nullptr;
    });
    if (!all || last->shape.empty()) continue;
    if (last->shape[0] == count_labels(plan)) return sign.head;
  }
  return checkpoint::HeadKind::kNone;
}

bool scores_tokens(const EngineOptions& options, const Plan& plan) {
  return plan.config.has("classifier_from_token") || options.convert == "classify";
}

checkpoint::HeadKind decide_kind(const EngineOptions& options, const Plan& plan) {
  // sentence-transformers never looks at the class.
  if (options.convert == "embed") return checkpoint::HeadKind::kNone;
  if (plan.modules.present && (options.convert != "classify" || plan.pipeline.gives_scores())) {
    switch (plan.pipeline.input.task) {
      case checkpoint::TransformerTask::kFeatureExtraction:
        return checkpoint::HeadKind::kNone;
      case checkpoint::TransformerTask::kSequenceClassification:
        return checkpoint::HeadKind::kSequenceClassification;
      case checkpoint::TransformerTask::kTextGeneration:
        return checkpoint::HeadKind::kCausalLm;
      case checkpoint::TransformerTask::kFillMask:
        return checkpoint::HeadKind::kMaskedLm;
    }
  }
  const checkpoint::HeadKind kind = classifier_of(plan, tensors_of(plan));
  if (kind != checkpoint::HeadKind::kNone) return kind;
  const bool scores =
      scores_tokens(options, plan) && plan.family->with_head(checkpoint::HeadKind::kCausalLm);
  return scores ? checkpoint::HeadKind::kCausalLm : checkpoint::HeadKind::kNone;
}

// A causal family's class that calls itself bidirectional computes something else.
void refuse_other_attention(const Plan& plan) {
  if (plan.architecture.find("Bidirec") == std::string::npos || plan.config.has("is_causal") ||
      plan.config.has("use_bidirectional_attention") || !plan.family->shape(plan.config).causal) {
    return;
  }
  throw Error(
      ErrorCode::kUnsupported,
      plan.config.file() + ": architectures \"" + plan.architecture +
          "\" is not known, and its name says that tokens see both ways, which model_type \"" +
          plan.config.string_or("model_type", "") +
          "\" does not; --hf-overrides '{\"is_causal\":false}' (or true) says how it is",
      "hf_overrides");
}

// A base without labels doesn't know how many rows the adapter's head has.
void take_labels(const json::object& overrides, checkpoint::HeadKind head, Plan& plan) {
  for (const models::HeadSign& sign : plan.family->tensors.classifiers) {
    if (sign.head != head) continue;
    const checkpoint::Tensors tensors = tensors_of(plan);
    const checkpoint::StoredTensor* rows = find_tensor(tensors, sign.tensors.back());
    if (!rows || rows->shape.empty() || rows->shape[0] == count_labels(plan)) {
      return;
    }
    json::object changed = overrides;
    changed["id2label"] = nullptr;
    changed["num_labels"] = rows->shape[0];
    plan.config = checkpoint::Config::read(plan.weights / "config.json", changed);
    plan.quantisation = checkpoint::read_quantisation(plan.config);
    return;
  }
}

// The architecture that an adapter was trained with; the base's name may be that of another head.
// Whether there is one.
bool take_adapter(const json::object& overrides, Plan& plan) {
  plan.notes.push_back("the adapter of " + plan.adapter->folder.string() +
                       " is merged into the weights of " + plan.weights.string());
  for (const std::string& key : plan.adapter->unknown_keys)
    plan.notes.push_back("adapter_config.json: " + key + " is not known");
  const std::optional<checkpoint::HeadKind> head = head_of(*plan.adapter);
  const models::Architecture* known = head ? plan.family->with_head(*head) : nullptr;
  if (!known) return false;
  if (!plan.family->knows(plan.architecture) || plan.family->head_of(plan.architecture) != *head)
    plan.architecture = known->name;
  take_labels(overrides, *head, plan);
  return true;
}

}  // namespace

void recognise(const EngineOptions& options, const json::object& overrides, Plan& plan) {
  const std::vector<std::string> names = plan.config.strings_or_empty("architectures");
  const std::string type = plan.config.string_or("model_type", "");
  plan.architecture = names.empty() ? type : names.front();
  plan.family = &models::find_family(plan.config);
  if (plan.adapter && take_adapter(overrides, plan)) return;
  if (names.empty() || plan.family->knows(names.front()) || checkpoint::is_colbert(names.front()))
    return;
  refuse_other_attention(plan);
  const models::Architecture* known = plan.family->with_head(decide_kind(options, plan));
  if (!known) known = &plan.family->architectures.front();
  std::string note =
      plan.config.file() + ": architectures \"" + plan.architecture + "\" is not known: read as " +
      std::string(known->name) + ", which model_type \"" + type + "\"" +
      (known->head == checkpoint::HeadKind::kNone ? " stands for" : " and the tensors stand for");
  if (plan.config.has("auto_map")) note += "; the code that auto_map names is not run";
  plan.notes.push_back(std::move(note));
  plan.architecture = known->name;
}

}  // namespace vecton::engine
