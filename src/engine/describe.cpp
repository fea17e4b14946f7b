#include "engine/describe.h"

#include <algorithm>
#include <set>

#include "base/json_text.h"
#include "models/registry.h"
#include "ops/cache.h"

namespace vecton {

const char* version() { return VECTON_VERSION; }

const char* to_string(Task task) {
  switch (task) {
    case Task::kEmbed:
      return "embed";
    case Task::kTokenEmbed:
      return "token_embed";
    case Task::kSparseEmbed:
      return "sparse_embed";
    case Task::kClassify:
      return "classify";
    case Task::kTokenClassify:
      return "token_classify";
    case Task::kScore:
      return "score";
    case Task::kFillMask:
      return "fill_mask";
    case Task::kGenerate:
      return "generate";
  }
  return "unknown";
}

const char* to_string(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kAbort:
      return "abort";
  }
  return "unknown";
}

TaskParameters default_parameters(Task task) {
  switch (task) {
    case Task::kEmbed:
      return Embed{};
    case Task::kTokenEmbed:
      return TokenEmbed{};
    case Task::kSparseEmbed:
      return SparseEmbed{};
    case Task::kClassify:
      return Classify{};
    case Task::kTokenClassify:
      return TokenClassify{};
    case Task::kScore:
      return Score{};
    case Task::kFillMask:
      return FillMask{};
    case Task::kGenerate:
      return Generate{};
  }
  throw Error(ErrorCode::kInternal, "there is no such task");
}

std::optional<Task> task_from_string(std::string_view name) {
  for (const Task task : {Task::kEmbed, Task::kTokenEmbed, Task::kSparseEmbed, Task::kClassify,
                          Task::kTokenClassify, Task::kScore, Task::kFillMask, Task::kGenerate}) {
    if (name == to_string(task)) return task;
  }
  return std::nullopt;
}

}  // namespace vecton

namespace vecton::engine {

// A module after the transformer: "2_Dense: 128 -> 24, Tanh".
static std::string words_of(const checkpoint::RowModule& module) {
  if (const auto* dense = std::get_if<checkpoint::DenseModule>(&module)) {
    return dense->folder.filename().string() + ": " + std::to_string(dense->in_features) + " -> " +
           std::to_string(dense->out_features) + ", " + dense->activation_name;
  }
  if (const auto* norm = std::get_if<checkpoint::LayerNormModule>(&module))
    return norm->folder.filename().string() + ": LayerNorm of " + std::to_string(norm->dimension);
  return "Normalize";
}

ModelInfo describe(const Plan& plan) {
  ModelInfo info;
  info.name = plan.name;
  info.folder = plan.folder.string();
  info.architecture = plan.architecture;
  info.family = plan.family->name;
  info.compute = ops::to_string(plan.compute);
  info.compute_cosine = ops::least_cosine(plan.compute);
  info.tasks = plan.tasks;
  for (const checkpoint::Label& label : plan.labels) {
    info.labels.push_back(label.text);
    info.labels_are_names.push_back(label.is_name);
  }
  if (!plan.labels.empty()) info.activation = plan.activation.name();
  info.activation_named = plan.activation_named;
  info.scorer = to_string(plan.scorer);
  const bool of_vectors = plan.scorer == Scorer::kBiEncoder ||
                          plan.scorer == Scorer::kLateInteraction || plan.pipeline.gives_sparse();
  if (of_vectors) info.similarity = checkpoint::to_string(plan.modules.similarity);
  for (const ops::Pooling pooling : plan.pooling) {
    info.pooling += (info.pooling.empty() ? "" : "+") + std::string(checkpoint::to_string(pooling));
  }
  info.normalize = plan.normalize;
  for (const auto* modules : {&plan.token_modules, &plan.vector_modules}) {
    for (const checkpoint::RowModule& module : *modules) info.dense.push_back(words_of(module));
  }
  info.prompts = plan.modules.prompts;
  info.default_prompt_name = plan.modules.default_prompt_name;
  info.roles = plan.tells_roles_apart();
  if (plan.images) {
    info.images = true;
    info.image_placeholder = plan.images->markup;
  }
  info.matryoshka = plan.matryoshka;
  info.matryoshka_dimensions = plan.matryoshka_dimensions;
  info.matryoshka_least = plan.matryoshka_least;
  info.max_model_len = plan.max_model_len;
  info.hidden_size = plan.shape.hidden;
  info.embedding_size = plan.default_dimensions.value_or(plan.embedding_size);
  info.layers = plan.shape.layers;
  info.vocab_size = plan.shape.vocab;
  info.warnings = plan.notes;
  const tensor::CacheLayout layout = models::cache_layout(plan.shape);
  info.cache_bytes_per_token =
      ops::cache_row_bytes(layout, plan.kv_cache_dtype) * std::ssize(tensor::cache_groups(layout));
  if (info.cache_bytes_per_token > 0) {
    info.kv_cache_dtype = tensor::to_string(plan.kv_cache_dtype);
  } else if (plan.kv_cache_dtype != tensor::DType::kF32) {
    info.warnings.push_back(unused_option("kv_cache_dtype", plan, "keeps no keys and values"));
  }
  info.state_bytes = ops::cache_state_bytes(layout);
  return info;
}

std::string unused_option(const std::string& option, const Plan& plan, const std::string& why) {
  return option + " changes nothing: " + plan.architecture + " " + why;
}

}  // namespace vecton::engine

namespace vecton {

std::string label_json(const ModelInfo& info, size_t id) {
  const std::string& label = info.labels.at(id);
  const bool is_name = id >= info.labels_are_names.size() || info.labels_are_names[id];
  if (!is_name) return label;
  std::string text;
  base::append_json_string(text, label);
  return text;
}

namespace {

void add_form(const checkpoint::Weights::Form& form, ModelInfo& info) {
  auto known = std::ranges::find(info.weight_forms, form.name, &WeightForm::form);
  if (known == info.weight_forms.end())
    known = info.weight_forms.insert(known, WeightForm{.form = form.name});
  known->parameters += form.parameters;
  known->file_bytes += form.bytes;
  known->weight_bytes += form.kept_bytes;
}

}  // namespace

ModelInfo inspect(const EngineOptions& options) {
  const std::vector<engine::Plan> plans = engine::make_plans(options, {});
  ModelInfo info = engine::describe(plans.front());
  std::set<std::filesystem::path> folders;
  for (const engine::Plan& plan : plans) {
    if (!folders.insert(plan.weights).second) continue;
    const checkpoint::Weights::Summary files =
        checkpoint::Weights::summarize(plan.weights, plan.quantisation.get());
    if (info.dtype.empty()) info.dtype = files.dtype;
    info.parameters += files.parameters;
    info.file_bytes += files.bytes;
    for (const checkpoint::Weights::Form& form : files.forms) {
      add_form(form, info);
      // Packed stays packed, and what is not is kept as it is.
      if (files.quantised) info.weight_bytes += form.kept_bytes > 0 ? form.kept_bytes : form.bytes;
    }
  }
  return info;
}

std::vector<FamilyInfo> families() {
  std::vector<FamilyInfo> all;
  for (const models::Family* family : models::model_families()) {
    FamilyInfo info{.name = std::string(family->name), .architectures = {}};
    for (const models::Architecture& architecture : family->architectures)
      info.architectures.emplace_back(architecture.name);
    all.push_back(std::move(info));
  }
  return all;
}

}  // namespace vecton
