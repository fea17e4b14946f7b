#include "engine/plan.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/files.h"
#include "base/json.h"
#include "engine/adapted.h"
#include "engine/matryoshka.h"
#include "engine/recognition.h"
#include "models/static_embedding.h"
#include "vecton/error.h"

namespace vecton {

namespace {

void require_one_of(std::string_view option, const std::string& value,
                    std::initializer_list<std::string_view> known) {
  std::string list;
  for (const std::string_view name : known) {
    if (value == name) return;
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  throw Error(ErrorCode::kInvalidArgument,
              std::string(option) + " \"" + value + "\" is not known; one of " + list + " is",
              std::string(option));
}

json::object parse_object(const std::string& text, const std::string& option) {
  if (text.empty()) return {};
  json::value value;
  try {
    value = parse_json(text, option);
  } catch (const Error& e) {
    throw Error(ErrorCode::kInvalidArgument, e.what(), option);
  }
  if (!value.is_object())
    throw Error(ErrorCode::kInvalidArgument, option + ": expected a JSON object", option);
  return std::move(value.as_object());
}

// tokenizer_config.json's, 0 where it has none or an absurdly large one.
int64_t model_max_length(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "tokenizer_config.json";
  if (!is_file(file)) return 0;
  const Config config = Config::read(file);
  const double length = config.number_or("model_max_length", 0);
  return length >= 1 && length < 1e9 ? static_cast<int64_t>(length) : 0;
}

void decide_length(const EngineOptions& options, Plan& plan) {
  plan.max_model_len = plan.shape.max_positions;
  if (plan.modules.max_seq_length && !plan.late_interaction && options.convert != "embed") {
    plan.max_model_len = std::min(plan.max_model_len, *plan.modules.max_seq_length);
  }
  const bool bounded = plan.modules.max_seq_length || plan.modules.static_embedding;
  if (!bounded && options.convert != "embed") {
    const int64_t of_tokenizer = model_max_length(plan.modules.transformer);
    if (of_tokenizer > 0) plan.max_model_len = std::min(plan.max_model_len, of_tokenizer);
  }
  if (options.max_model_len < 0 || options.max_model_len > plan.shape.max_positions) {
    throw Error(ErrorCode::kInvalidArgument,
                "max_model_len " + std::to_string(options.max_model_len) +
                    ": the model takes 1 to " + std::to_string(plan.shape.max_positions) +
                    " tokens (max_position_embeddings)",
                "max_model_len");
  }
  if (options.max_model_len > 0) plan.max_model_len = options.max_model_len;
}

// Two libraries, two defaults: docs/MODELS.md argues for this one.
void note_default_pooling(const json::object& pooler, Plan& plan) {
  const bool asked = pooler.contains("pooling_type") || pooler.contains("seq_pooling_type");
  const bool embeds = std::ranges::count(plan.tasks, Task::kEmbed) > 0;
  if (!embeds || asked || !plan.modules.pooling.empty() || plan.modules.static_embedding) return;
  const Pooling pooling = plan.pooling.front();
  std::string note = std::string("no modules.json says how texts are pooled: ") +
                     to_string(pooling) + (plan.normalize ? ", normalised" : "") + ", as vLLM does";
  if (pooling != Pooling::kMean) {
    note +=
        "; sentence-transformers would take the mean: --pooler-config "
        "'{\"pooling_type\":\"MEAN\"}'";
  }
  plan.notes.push_back(std::move(note));
}

// What the options say instead of the checkpoint's files.
void decide_prompt(const EngineOptions& options, Plan& plan) {
  if (!options.default_prompt.empty()) plan.default_prompt = options.default_prompt;
  const std::string& name = options.default_prompt_name;
  if (name.empty()) return;
  std::string known;
  for (const auto& prompt : plan.modules.prompts)
    known += (known.empty() ? "" : ", ") + prompt.first;
  const auto same = [&](const auto& prompt) { return prompt.first == name; };
  if (std::ranges::none_of(plan.modules.prompts, same)) {
    throw Error(ErrorCode::kInvalidArgument,
                "default_prompt_name \"" + name + "\" is not known; the model has " +
                    (known.empty() ? "no prompts" : known),
                "default_prompt_name");
  }
  plan.modules.default_prompt_name = name;
}

}  // namespace

Plan make_plan(const EngineOptions& options,
               const std::function<void(const DownloadProgress&)>& progress) {
  require_one_of("runner", options.runner, {"auto", "pooling"});
  require_one_of("convert", options.convert, {"auto", "none", "embed", "classify"});
  require_one_of("dtype", options.dtype, {"auto", "float32", "float16", "bfloat16"});
  const json::object overrides = parse_object(options.hf_overrides, "hf_overrides");
  const json::object pooler = parse_object(options.pooler_config, "pooler_config");

  const std::filesystem::path folder = resolve_model(options.model, options.hub, progress);
  SentenceTransformer modules = SentenceTransformer::read(folder, options.dense_path);
  std::filesystem::path transformer = modules.present ? modules.transformer : folder;
  std::filesystem::path weights = transformer;
  const std::optional<Adapter> adapter = Adapter::find(transformer);
  if (adapter) {
    const std::filesystem::path base = find_base(*adapter, options, progress);
    SentenceTransformer of_base = SentenceTransformer::read(base);
    weights = of_base.present ? of_base.transformer : base;
    if (!has_tokenizer(transformer)) transformer = weights;
    if (!modules.present) modules = std::move(of_base);
  }
  Plan plan{.name = options.model,
            .folder = folder,
            .config = modules.static_embedding ? static_embedding::config_of(transformer, overrides)
                                               : Config::read(weights / "config.json", overrides),
            .modules = std::move(modules)};
  plan.modules.transformer = transformer;
  plan.tokenizer = options.tokenizer.empty() || options.tokenizer == options.model
                       ? transformer
                       : resolve_model(options.tokenizer, options.hub, progress);
  plan.weights = weights;
  plan.adapter = adapter;
  recognise(options, overrides, plan);
  for (const char* quantised : {"quantization_config", "quantization"})
    plan.config.require(quantised, nullptr);
  plan.shape = plan.family->shape(plan.config);
  decide_head(options, plan);
  apply_pooler_config(pooler, plan);
  decide_prompt(options, plan);
  decide_length(options, plan);
  plan.embedding_size = plan.dense.empty()
                            ? plan.shape.hidden * static_cast<int64_t>(plan.pooling.size())
                            : plan.dense.back().out_features;
  decide_matryoshka(plan);
  note_default_pooling(pooler, plan);
  return plan;
}

}  // namespace vecton
