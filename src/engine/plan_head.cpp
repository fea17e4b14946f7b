// What a checkpoint is for: the head on top of its backbone, its tasks, labels and scorer.
#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/files.h"
#include "base/json.h"
#include "checkpoint/labels.h"
#include "checkpoint/side_heads.h"
#include "checkpoint/torch_activations.h"
#include "engine/plan.h"
#include "heads/row_modules.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const Plan& plan, const std::string& message, const char* field) {
  throw Error(ErrorCode::kUnsupported,
              plan.config.file() + ": architectures \"" + plan.architecture + "\": " + message,
              field);
}

// torch's name of the activation of a cross-encoder's scores.
heads::LabelActivation activation_from(const std::string& file, const std::string& name) {
  if (const auto of_row = checkpoint::torch_row_function(name))
    return heads::LabelActivation(*of_row);
  if (const auto each = checkpoint::torch_activation(name))
    return {*each, std::string(checkpoint::class_name(name))};
  throw Error(ErrorCode::kUnsupported,
              file + ": activation function \"" + name + "\" is not supported; torch.nn's " +
                  checkpoint::torch_activation_names() + ", LogSoftmax, Softmax and Softmin are");
}

// By problem_type, then by the number of labels.
heads::LabelActivation default_activation(const Plan& plan) {
  const checkpoint::Config& config = plan.config;
  const bool one = plan.labels.size() == 1;
  if (plan.pipeline.gives_scores() || plan.modules.model_type == "CrossEncoder") {
    config.ignore({"problem_type"});  // of training
    return one ? heads::LabelActivation::kSigmoid : heads::LabelActivation::kIdentity;
  }
  const std::string problem = config.string_or("problem_type", "");
  if (problem == "regression") return heads::LabelActivation::kIdentity;
  if (problem == "multi_label_classification") return heads::LabelActivation::kSigmoid;
  if (!problem.empty() && problem != "single_label_classification") {
    throw Error(ErrorCode::kUnsupported,
                config.file() + ": problem_type \"" + problem +
                    "\" is not known; regression, single_label_classification and "
                    "multi_label_classification are");
  }
  return one ? heads::LabelActivation::kSigmoid : heads::LabelActivation::kSoftmax;
}

// sentence-transformers' keys, newest first, else the default.
void decide_activation(Plan& plan) {
  const checkpoint::Config& config = plan.config;
  std::string name = config.string_or("sbert_ce_default_activation_function", "");
  std::string file = config.file();
  if (const std::optional<checkpoint::Config> st = config.child("sentence_transformers")) {
    st->ignore({"version"});
    name = st->string_or("activation_fn", name);
  }
  if (!plan.modules.activation_fn.empty()) {
    name = plan.modules.activation_fn;
    file = (plan.folder / "config_sentence_transformers.json").string();
  }
  plan.activation_named = !name.empty();
  plan.activation = plan.activation_named ? activation_from(file, name) : default_activation(plan);
}

void be_embedder(Plan& plan) {
  plan.head = checkpoint::HeadKind::kNone;
  plan.tasks = {Task::kEmbed, Task::kTokenEmbed};
  plan.scorer = Scorer::kBiEncoder;
}

// By the number of its labels.
void be_scorer_or_classifier(Plan& plan) {
  plan.tasks = {Task::kClassify};
  if (plan.labels.size() != 1) return;
  plan.tasks = {Task::kScore, Task::kClassify};
  plan.scorer = Scorer::kCrossEncoder;
}

void be_classifier(Plan& plan, checkpoint::HeadKind head) {
  plan.head = head;
  plan.labels = checkpoint::read_labels(plan.config, plan.family->default_labels(plan.config));
  decide_activation(plan);
  if (head == checkpoint::HeadKind::kTokenClassification) {
    plan.tasks = {Task::kTokenClassify};
    return;
  }
  be_scorer_or_classifier(plan);
  plan.tasks.push_back(Task::kTokenClassify);
  // A module's own file says how its texts are written.
  if (plan.scorer == Scorer::kCrossEncoder && plan.family->reranker && !plan.modules.present)
    plan.rerank_prompt = plan.family->reranker->prompt;
}

// A LogitScore module: the tokens are named by their ids.
void be_logit_scorer(Plan& plan) {
  if (!plan.family->with_head(checkpoint::HeadKind::kCausalLm))
    refuse(plan, "modules.json has a LogitScore, which needs a generative model", nullptr);
  const checkpoint::LogitScore& score = *plan.pipeline.logit_score;
  plan.head = checkpoint::HeadKind::kCausalLm;
  if (score.false_token_id) plan.choice_token_ids = {*score.false_token_id};
  plan.choice_token_ids.push_back(score.true_token_id);
  plan.labels = {{"LABEL_0"}};
  decide_activation(plan);
  be_scorer_or_classifier(plan);
}

// A pooled vector whose last Dense gives the scores.
void be_vector_classifier(Plan& plan) {
  const int64_t count = heads::columns_after(plan.pipeline.vector_modules, 0);
  plan.labels = checkpoint::read_labels(plan.config, plan.family->default_labels(plan.config));
  if (static_cast<int64_t>(plan.labels.size()) != count) {
    plan.labels.clear();
    for (int64_t i = 0; i < count; ++i) plan.labels.push_back({"LABEL_" + std::to_string(i)});
  }
  decide_activation(plan);
  be_scorer_or_classifier(plan);
}

// A generative model whose logits of one or two tokens are the score.
void be_token_reranker(Plan& plan) {
  plan.head = checkpoint::HeadKind::kCausalLm;
  plan.classifier_from_token = plan.config.strings_or_empty("classifier_from_token");
  if (plan.classifier_from_token.empty()) plan.classifier_from_token = {"no", "yes"};
  if (plan.classifier_from_token.size() > 2) {
    throw Error(ErrorCode::kInvalidArgument,
                "hf_overrides: classifier_from_token: expected one token, or two (no and yes)",
                "hf_overrides");
  }
  plan.labels = {{"LABEL_0"}};
  plan.activation = heads::LabelActivation::kSigmoid;
  plan.tasks = {Task::kScore, Task::kClassify};
  plan.scorer = Scorer::kCrossEncoder;
  // config.json may say that its checkpoint reads the prompt of another family's; of several that
  // it means, its own.
  for (const models::Family* family : models::model_families()) {
    if (!family->reranker) continue;
    const bool own = family == plan.family;
    if (plan.config.boolean_or(family->reranker->config_key, own) && (own || !plan.rerank_prompt))
      plan.rerank_prompt = family->reranker->prompt;
  }
}

// A model's name is looked for in the last two parts of the name or folder that was given.
bool is_named(const Plan& plan, std::string_view part) {
  const fs::path path(plan.name);
  const std::string name = path.parent_path().filename().string() + "/" + path.filename().string() +
                           " " + plan.config.string_or("_name_or_path", "");
  return base::ascii_lower(name).find(part) != std::string::npos;
}

bool is_named_reranker(const Plan& plan) {
  return plan.family->reranker && is_named(plan, plan.family->reranker->name_part);
}

bool is_named_embedder(const Plan& plan) {
  return plan.family->embedding_prompt && is_named(plan, plan.family->embedding_prompt->name_part);
}

// It has the vectors of its backbone as well.
void be_generator(Plan& plan) {
  be_embedder(plan);
  plan.head = checkpoint::HeadKind::kCausalLm;
  plan.tasks.insert(plan.tasks.begin(), Task::kGenerate);
}

// The sentence-transformers modules after the transformer.
void take_modules(Plan& plan) {
  const checkpoint::ModulePipeline& pipeline = plan.pipeline;
  if (pipeline.input.kind == checkpoint::InputModule::Kind::kSparseStaticEmbedding) {
    plan.tasks = {Task::kSparseEmbed};
    plan.scorer = Scorer::kBiEncoder;
    return;
  }
  if (pipeline.splade) {
    if (!plan.family->with_head(checkpoint::HeadKind::kMaskedLm))
      refuse(plan, "modules.json has a SpladePooling, which needs a masked language model",
             nullptr);
    plan.head = checkpoint::HeadKind::kMaskedLm;
    plan.tasks = {Task::kSparseEmbed, Task::kFillMask, Task::kTokenClassify};
    plan.scorer = Scorer::kBiEncoder;
    return;
  }
  if (pipeline.logit_score) return be_logit_scorer(plan);
  if (pipeline.dense_scores) return be_vector_classifier(plan);
  if (pipeline.gives_scores()) {
    if (!plan.family->with_head(checkpoint::HeadKind::kSequenceClassification))
      refuse(plan, "its transformer_task is sequence-classification, which needs a classifier",
             nullptr);
    return be_classifier(plan, checkpoint::HeadKind::kSequenceClassification);
  }
  be_embedder(plan);
  if (!plan.modules.is_late_interaction(pipeline)) return;
  plan.late_interaction =
      checkpoint::LateInteraction::read_modules(plan.folder, plan.modules, pipeline);
  plan.tasks = {Task::kTokenEmbed};
  plan.scorer = Scorer::kLateInteraction;
}

// Of a generative class the last token, the one that has seen all others, as vLLM has it.
ops::Pooling default_pooling(const Plan& plan) {
  const bool generates = plan.family->head_of(plan.architecture) == checkpoint::HeadKind::kCausalLm;
  return generates ? ops::Pooling::kLast : plan.family->default_pooling;
}

// Without output_hidden_states the transformer hands on no layers, and the module does nothing.
void take_layer_pooling(Plan& plan) {
  if (!plan.pipeline.layer_pooling) return;
  if (plan.config.boolean_or("output_hidden_states", false)) {
    plan.layer_pooling = plan.pipeline.layer_pooling;
  } else {
    plan.notes.push_back(plan.pipeline.layer_pooling->folder.string() +
                         ": WeightedLayerPooling changes nothing, because config.json has no "
                         "output_hidden_states that is true");
  }
}

// What becomes of the rows of the backbone.
void take_rows(const EngineOptions& options, Plan& plan) {
  const checkpoint::ModulePipeline& pipeline = plan.pipeline;
  const std::optional<checkpoint::PoolingModule>& pooling = pipeline.pooling;
  const bool pools = pooling.has_value();
  if (pools || options.convert != "embed") {
    plan.token_modules = pipeline.token_modules;
    take_layer_pooling(plan);
  }
  plan.vector_modules = pipeline.vector_modules;
  plan.pooling = pools ? pooling->modes : std::vector<ops::Pooling>{default_pooling(plan)};
  plan.normalize =
      checkpoint::take_last_normalize(plan.vector_modules) || (!pools && !pipeline.input.vectors);
  std::vector<checkpoint::RowModule> of_tokens = plan.token_modules;
  const bool of_length_one =
      plan.late_interaction && (plan.images || !plan.late_interaction->any_text);
  plan.normalize_tokens =
      checkpoint::take_last_normalize(of_tokens) || of_length_one || plan.side_heads;
  if (!pools || !pooling->width) return;
  const int64_t width = heads::columns_after(plan.token_modules, plan.shape.hidden);
  if (*pooling->width == width) return;
  throw Error(ErrorCode::kCorrupt, plan.folder.string() + ": its Pooling module expects " +
                                       std::to_string(*pooling->width) +
                                       " values per token, the modules before it give " +
                                       std::to_string(width));
}

void take_architecture(const EngineOptions& options, Plan& plan) {
  const checkpoint::HeadKind kind = plan.family->head_of(plan.architecture);
  const bool asked_for_tokens = plan.config.has("classifier_from_token");
  const models::Architecture* known = plan.family->find(plan.architecture);
  if ((known && known->late_interaction) || checkpoint::is_colbert(plan.architecture)) {
    be_embedder(plan);
    plan.late_interaction = plan.images ? checkpoint::LateInteraction::of_images()
                                        : checkpoint::LateInteraction::read_stanford(plan.folder);
    plan.tasks = {Task::kTokenEmbed};
    plan.scorer = Scorer::kLateInteraction;
    return;
  }
  switch (kind) {
    case checkpoint::HeadKind::kNone:
      return be_embedder(plan);
    case checkpoint::HeadKind::kSequenceClassification:
      return asked_for_tokens ? be_token_reranker(plan) : be_classifier(plan, kind);
    case checkpoint::HeadKind::kTokenClassification:
      return be_classifier(plan, kind);
    case checkpoint::HeadKind::kMaskedLm:
      plan.head = kind;
      plan.tasks = {Task::kFillMask, Task::kTokenClassify};
      return;
    case checkpoint::HeadKind::kCausalLm:
      if (options.runner != "generate" &&
          (asked_for_tokens || options.convert == "classify" || is_named_reranker(plan))) {
        be_token_reranker(plan);
        // Nobody asked for scores alone: the checkpoint is what its files say as well.
        if (options.runner == "auto" && !asked_for_tokens && options.convert != "classify")
          plan.tasks.push_back(Task::kGenerate);
        return;
      }
      // A generative model that shall pool gives the vectors of its backbone, as in vLLM.
      if (options.runner == "pooling" || (options.runner == "auto" && is_named_embedder(plan)))
        return be_embedder(plan);
      return be_generator(plan);
    case checkpoint::HeadKind::kOther:
      refuse(plan,
             "its head is not supported; --convert embed serves the embeddings of its backbone",
             "convert");
  }
}

ops::Pooling pooling_from(const std::string& name) {
  static constexpr std::pair<std::string_view, ops::Pooling> kNames[] = {
      {"CLS", ops::Pooling::kCls}, {"LAST", ops::Pooling::kLast}, {"MEAN", ops::Pooling::kMean}};
  for (const auto& [known, pooling] : kNames) {
    if (name == known) return pooling;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "pooler_config: pooling_type \"" + name +
                  "\" is not supported; CLS, LAST, MEAN, SPLADE, ALL or STEP is",
              "pooler_config");
}

[[noreturn]] void refuse_pooler(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, "pooler_config: " + message, "pooler_config");
}

void set_pooling_type(const std::string& name, Plan& plan) {
  const bool labels_tokens = std::ranges::count(plan.tasks, Task::kTokenClassify) > 0;
  const bool of_tokens = labels_tokens || std::ranges::count(plan.tasks, Task::kTokenEmbed) > 0;
  if (name == "ALL" && !of_tokens)
    refuse_pooler("pooling_type ALL needs a model that answers token by token");
  if (name == "STEP" && !labels_tokens)
    refuse_pooler("pooling_type STEP needs a model that labels tokens");
  if (name == "ALL" || name == "STEP") {
    plan.step = name == "STEP";
    return;
  }
  if (name == "SPLADE") {
    if (plan.head != checkpoint::HeadKind::kMaskedLm)
      refuse_pooler("pooling_type SPLADE needs a masked language model");
    if (!plan.pipeline.splade) plan.pipeline.splade.emplace();
    plan.tasks = {Task::kSparseEmbed, Task::kFillMask, Task::kTokenClassify};
    plan.scorer = Scorer::kBiEncoder;
    if (!plan.modules.present) plan.modules.similarity = checkpoint::Similarity::kDot;
    return;
  }
  if (std::ranges::count(plan.tasks, Task::kEmbed) == 0)
    refuse_pooler("pooling_type " + name +
                  " is for embedding models; the checkpoint says how its "
                  "head pools");
  plan.pooling = {pooling_from(name)};
}

int64_t integer_of(const json::value& value, const std::string& key, int64_t least) {
  if (!value.is_int64() || value.as_int64() < least)
    refuse_pooler(key + ": expected an integer of at least " + std::to_string(least));
  return value.as_int64();
}

double number_of(const json::value& value, const std::string& key) {
  if (!value.is_number()) refuse_pooler(key + ": expected a number");
  return value.to_number<double>();
}

// vLLM's logit_mean and logit_sigma, and what they were called before.
void set_calibration(const json::object& pooler, Plan& plan) {
  const auto given = [&](const char* key) -> const json::value* {
    const json::value* value = pooler.if_contains(key);
    return value && !value->is_null() ? value : nullptr;
  };
  const json::value *mean = given("logit_mean"), *bias = given("logit_bias"),
                    *sigma = given("logit_sigma"), *scale = given("logit_scale");
  if (!mean && !bias && !sigma && !scale) return;
  if (mean && bias)
    refuse_pooler("logit_mean and logit_bias are one setting; expected one of them");
  if (sigma && scale)
    refuse_pooler("logit_sigma and logit_scale (its reciprocal) are one setting; expected one");
  if (plan.labels.empty())
    refuse_pooler(std::string(mean    ? "logit_mean"
                              : bias  ? "logit_bias"
                              : sigma ? "logit_sigma"
                                      : "logit_scale") +
                  " is for classifiers and rerankers; the model gives " +
                  to_string(plan.tasks.front()));
  double offset = 0, divisor = 1;
  if (mean) offset = number_of(*mean, "logit_mean");
  if (bias) offset = number_of(*bias, "logit_bias");
  if (sigma) divisor = number_of(*sigma, "logit_sigma");
  if (scale) divisor = number_of(*scale, "logit_scale");
  if (divisor == 0)
    refuse_pooler(std::string(sigma ? "logit_sigma" : "logit_scale") + ": expected a number but 0");
  plan.activation.set_calibration(offset, scale ? 1 / divisor : divisor);
}

bool is_calibration(const std::string& key) {
  return key == "logit_mean" || key == "logit_bias" || key == "logit_sigma" || key == "logit_scale";
}

}  // namespace

const char* to_string(Scorer scorer) {
  switch (scorer) {
    case Scorer::kNone:
      return "";
    case Scorer::kCrossEncoder:
      return "cross-encoder";
    case Scorer::kLateInteraction:
      return "late-interaction";
    case Scorer::kBiEncoder:
      return "bi-encoder";
  }
  return "";
}

void decide_head(const EngineOptions& options, Plan& plan) {
  const bool generates = plan.family->head_of(plan.architecture) == checkpoint::HeadKind::kCausalLm;
  if (options.runner == "generate" && (options.convert == "embed" || !generates)) {
    throw Error(ErrorCode::kInvalidArgument,
                options.convert == "embed"
                    ? "runner generate and convert embed exclude each other"
                    : "runner: " + plan.architecture +
                          " is not a generative model; leave out --runner generate",
                "runner");
  }
  const bool has_modules =
      plan.modules.present || plan.modules.is_late_interaction(plan.pipeline);  // of a GGUF file
  if (options.convert == "embed") {
    be_embedder(plan);
  } else if (has_modules && options.runner != "generate" &&
             (options.convert != "classify" || plan.pipeline.gives_scores())) {
    take_modules(plan);
  } else {
    take_architecture(options, plan);
  }
  const auto gives = [&](Task task) { return std::ranges::count(plan.tasks, task) > 0; };
  if (options.convert == "classify" && !gives(Task::kClassify) && !gives(Task::kTokenClassify))
    refuse(plan, "has no classifier; leave out --convert classify (or --task classify)", "convert");
  const bool embeds = gives(Task::kEmbed);
  if (embeds && !plan.modules.present && !gives(Task::kGenerate) && is_named_embedder(plan))
    plan.embedding_prompt = plan.family->embedding_prompt;
  plan.side_heads = options.convert != "embed" && embeds && checkpoint::has_side_heads(plan.folder);
  if (plan.side_heads) plan.tasks.push_back(Task::kSparseEmbed);
  take_rows(options, plan);
}

void apply_pooler_config(const json::object& pooler, Plan& plan) {
  for (const auto& [name, value] : pooler) {
    const std::string key(name);
    if (value.is_null()) continue;
    if ((key == "pooling_type" || key == "seq_pooling_type" || key == "tok_pooling_type") &&
        value.is_string()) {
      set_pooling_type(std::string(value.as_string()), plan);
    } else if ((key == "use_activation" || key == "normalize") && value.is_bool()) {
      plan.normalize = value.as_bool();
      if (!value.as_bool()) plan.activation = heads::LabelActivation::kIdentity;
    } else if (key == "dimensions") {
      plan.default_dimensions = integer_of(value, key, 1);
    } else if (is_calibration(key)) {
      continue;  // set_calibration()
    } else if (key == "step_tag_id") {
      plan.step_tag_id = integer_of(value, key, 0);
    } else if (key == "returned_token_ids" && value.is_array()) {
      for (const json::value& id : value.as_array())
        plan.returned_token_ids.push_back(integer_of(id, key, 0));
    } else if (key == "enable_chunked_processing" && value.is_bool()) {
      plan.chunked.enabled = value.as_bool();
    } else if (key == "max_embed_len") {
      plan.chunked.max_embed_len = integer_of(value, key, 1);
    } else if (key == "task" && value.is_string()) {
      const std::optional<Task> task = task_from_string(std::string(value.as_string()));
      const auto place = task ? std::ranges::find(plan.tasks, *task) : plan.tasks.end();
      if (place == plan.tasks.end())
        refuse_pooler("task \"" + std::string(value.as_string()) + "\" is not one of this model's");
      std::rotate(plan.tasks.begin(), place, place + 1);
    } else {
      throw Error(
          ErrorCode::kInvalidArgument,
          "pooler_config: " + key +
              " is not supported so; pooling_type (CLS, LAST, MEAN, SPLADE, ALL, STEP), "
              "use_activation (a boolean), dimensions, logit_mean, logit_sigma, step_tag_id, "
              "returned_token_ids, enable_chunked_processing, max_embed_len and task are",
          "pooler_config");
    }
  }
  set_calibration(pooler, plan);
  if (std::ranges::count(plan.tasks, Task::kTokenClassify) == 0) {
    if (plan.step_tag_id) refuse_pooler("step_tag_id is for models that label tokens");
    if (!plan.returned_token_ids.empty())
      refuse_pooler("returned_token_ids is for models that label tokens");
  }
  if (plan.chunked.enabled && std::ranges::count(plan.tasks, Task::kEmbed) == 0)
    refuse_pooler("enable_chunked_processing is for embedding models");
}

}  // namespace vecton::engine
