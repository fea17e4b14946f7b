#include "engine/plan.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "backend/registry.h"
#include "base/files.h"
#include "base/json.h"
#include "checkpoint/gguf/config.h"
#include "checkpoint/written_by.h"
#include "convert/run_time.h"
#include "engine/adapted.h"
#include "engine/matryoshka.h"
#include "engine/recognition.h"
#include "engine/retrieval_prompts.h"
#include "gguf/file.h"
#include "heads/row_modules.h"
#include "vecton/error.h"

namespace vecton::engine {

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

// "fp8" is vLLM's name for e4m3.
tensor::DType cache_type(const std::string& name) {
  require_one_of("kv_cache_dtype", name,
                 {"auto", "float32", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2"});
  if (name == "bfloat16") return tensor::DType::kBF16;
  if (name == "fp8_e5m2") return tensor::DType::kF8E5M2;
  return name.starts_with("fp8") ? tensor::DType::kF8E4M3 : tensor::DType::kF32;
}

json::object parse_object(const std::string& text, const std::string& option) {
  if (text.empty()) return {};
  json::value value;
  try {
    value = base::parse_json(text, option);
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
  if (!base::is_file(file)) return 0;
  const checkpoint::Config config = checkpoint::Config::read(file);
  const double length = config.number_or("model_max_length", 0);
  return length >= 1 && length < 1e9 ? static_cast<int64_t>(length) : 0;
}

void decide_length(const EngineOptions& options, Plan& plan) {
  const checkpoint::InputModule& input = plan.pipeline.input;
  plan.max_model_len = plan.shape.max_positions;
  // PyLate counts the tokens of queries and documents instead.
  const bool by_role = plan.late_interaction && !plan.late_interaction->any_text;
  if (input.max_seq_length && !by_role && options.convert != "embed")
    plan.max_model_len = std::min(plan.max_model_len, *input.max_seq_length);
  const bool bounded =
      input.max_seq_length || input.kind == checkpoint::InputModule::Kind::kStaticEmbedding;
  if (!bounded && options.convert != "embed" && plan.tasks.front() != Task::kGenerate) {
    const int64_t of_tokenizer = model_max_length(input.folder);
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
  plan.max_role_len = options.max_model_len > 0 ? options.max_model_len : plan.shape.max_positions;
  if (!plan.late_interaction || !plan.late_interaction->expand_queries) return;
  const checkpoint::LateInteraction& late = *plan.late_interaction;
  const int64_t filled = late.fill_length > 0 ? late.fill_length : late.query_length;
  if (filled > plan.shape.max_positions) {
    throw Error(ErrorCode::kCorrupt,
                plan.folder.string() + ": queries are filled up to " + std::to_string(filled) +
                    " tokens (query_length, query_expansion.length): the model takes 1 to " +
                    std::to_string(plan.shape.max_positions) + " (max_position_embeddings)");
  }
}

// Two libraries, two defaults: docs/MODELS.md argues for this one.
void note_default_pooling(const json::object& pooler, Plan& plan) {
  const bool asked = pooler.contains("pooling_type") || pooler.contains("seq_pooling_type");
  const bool embeds = std::ranges::count(plan.tasks, Task::kEmbed) > 0;
  if (!embeds || asked || plan.pipeline.pooling || plan.generates() || plan.shape.pooled) return;
  const ops::Pooling pooling = plan.pooling.front();
  std::string note = std::string("no modules.json says how texts are pooled: ") +
                     checkpoint::to_string(pooling) + (plan.normalize ? ", normalised" : "") +
                     ", as vLLM does";
  if (pooling != ops::Pooling::kMean) {
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

// What the modules of tokens are given: rows of the backbone, or their projection, which may be
// kept in part.
int64_t token_columns(const Plan& plan) {
  if (!plan.late_interaction || !plan.late_interaction->linear_in_model) return plan.shape.hidden;
  if (plan.images && plan.images->kept_dimensions > 0) return plan.images->kept_dimensions;
  return checkpoint::projected_size(tensors_of(plan)).value_or(plan.shape.hidden);
}

void decide_sizes(Plan& plan) {
  const std::optional<int64_t> truncate = plan.modules.truncate_dim;
  const int64_t pooled = heads::columns_after(plan.token_modules, token_columns(plan)) *
                         static_cast<int64_t>(plan.pooling.size());
  plan.full_embedding_size = heads::columns_after(plan.vector_modules, pooled);
  plan.embedding_size = plan.full_embedding_size;
  decide_matryoshka(plan);
  if (!truncate) return;
  // A model that is saved with a smaller size was made for it.
  if (!plan.config.has("is_matryoshka")) plan.matryoshka = true;
  plan.embedding_size = std::min(plan.full_embedding_size, *truncate);
}

// How sentence-transformers reads a tokenizer: a static embedding's file as it is; do_lower_case
// has been a step of the tokenizer since 5.4, and was of the whole text before, special tokens
// included.
void decide_tokenizer(Plan& plan) {
  checkpoint::InputModule& input = plan.pipeline.input;
  plan.tokenizer_options.class_settings = input.kind == checkpoint::InputModule::Kind::kTransformer;
  plan.tokenizer_options.lower_case =
      input.lower_case && checkpoint::written_since(plan.folder, {.major = 5, .minor = 4});
  if (plan.tokenizer_options.lower_case) input.lower_case = false;
}

int64_t vector_size(const Plan& plan) {
  return plan.pipeline.gives_sparse() ? plan.shape.vocab : plan.embedding_size;
}

// Of --pooler-config: what requests get that name no size.
void check_default_dimensions(const Plan& plan) {
  if (!plan.default_dimensions) return;
  const std::optional<std::string> refusal =
      std::ranges::count(plan.tasks, Task::kEmbed) == 0
          ? "dimensions are for embedding models"
          : refusal_of_dimensions(plan, *plan.default_dimensions);
  if (refusal)
    throw Error(ErrorCode::kInvalidArgument, "pooler_config: " + *refusal, "pooler_config");
}

checkpoint::Config read_config(const Plan& plan, const json::object& overrides) {
  if (gguf::is_gguf(plan.weights))
    return checkpoint::gguf_config(gguf::File::open(plan.weights), overrides);
  const bool transformer = plan.pipeline.input.kind == checkpoint::InputModule::Kind::kTransformer;
  if (transformer && !base::is_file(plan.weights / "config.json")) {
    throw Error(ErrorCode::kNotFound,
                "model '" + plan.weights.string() +
                    "': the folder has no config.json: expected a checkpoint's folder, with "
                    "config.json, its weights and its tokenizer",
                "model");
  }
  return transformer ? checkpoint::Config::read(plan.weights / "config.json", overrides)
                     : models::config_without_file(plan.weights, overrides);
}

// An adapter without modules of its own has those of its base.
checkpoint::SentenceTransformer read_modules_of(
    const std::filesystem::path& folder, const EngineOptions& options,
    const std::function<void(const DownloadProgress&)>& progress) {
  checkpoint::SentenceTransformer modules =
      checkpoint::SentenceTransformer::read(folder, options.dense_path);
  const std::optional<checkpoint::Adapter> adapter =
      modules.present ? std::nullopt : checkpoint::Adapter::find(folder);
  if (!adapter) return modules;
  checkpoint::SentenceTransformer of_base =
      checkpoint::SentenceTransformer::read(find_base(*adapter, options, progress));
  return of_base.present ? of_base : modules;
}

// The transformer's folder; the model's where the modules are those of its base.
std::filesystem::path folder_of_adapter(const std::filesystem::path& folder,
                                        const checkpoint::SentenceTransformer& modules,
                                        const checkpoint::ModulePipeline& pipeline) {
  const bool own = base::is_file(folder / "modules.json") || !modules.present;
  return own ? pipeline.input.folder : folder;
}

// The folder of a base model's transformer.
std::filesystem::path base_of(const checkpoint::Adapter& adapter, const EngineOptions& options,
                              const std::function<void(const DownloadProgress&)>& progress) {
  return checkpoint::SentenceTransformer::read(find_base(adapter, options, progress))
      .pipelines.front()
      .input.folder;
}

// What is asked of a checkpoint that is quantised must be so; others can be quantised.
void decide_quantisation(const EngineOptions& options, Plan& plan) {
  const std::string& asked = options.quantization;
  const bool is_gguf = gguf::is_gguf(plan.weights);
  plan.quantisation = checkpoint::read_quantisation(plan.config);
  if (plan.quantisation)
    plan.notes.insert(plan.notes.end(), plan.quantisation->notes.begin(),
                      plan.quantisation->notes.end());
  if (is_gguf && asked == "gguf") return;
  if (is_gguf && convert::quantises_to(asked))
    throw Error(ErrorCode::kInvalidArgument,
                "quantization: " + plan.weights.string() +
                    " is a GGUF file, whose weights are as they are: expected auto or gguf",
                "quantization");
  if (plan.quantisation || !convert::quantises_to(asked))
    return checkpoint::require_quantisation(plan.config, asked);
  plan.quantisation = convert::quantise_while_opening(asked, plan.config.values(), options.threads);
}

// A model without a vocabulary reads images alone, and has no tokenizer: no folder of one.
void decide_vocabulary(const EngineOptions& options, Plan& plan) {
  if (plan.shape.vocab > 0 || !plan.images) return;
  plan.tokenizer.clear();
  if (!options.tokenizer.empty() && options.tokenizer != options.model) {
    throw Error(ErrorCode::kInvalidArgument,
                "tokenizer: " + plan.architecture + " reads images, and no text", "tokenizer");
  }
}

// A model that pools by itself has a vector of a text, and none of its tokens.
void decide_pooled(Plan& plan) {
  if (plan.pipeline.input.vectors && !plan.shape.pooled) {
    throw Error(ErrorCode::kUnsupported,
                plan.folder.string() +
                    ": modules.json: the Transformer gives vectors of texts "
                    "(get_text_features), and " +
                    plan.architecture + " has rows of tokens");
  }
  if (!plan.shape.pooled) return;
  std::erase(plan.tasks, Task::kTokenEmbed);
  if (plan.pooling != std::vector{ops::Pooling::kLast}) {
    throw Error(ErrorCode::kUnsupported,
                plan.name + ": " + plan.architecture +
                    " gives a text's one vector itself: a pooling is not supported (pooler_config: "
                    "pooling_type, or modules.json)",
                "pooler_config");
  }
}

// What is rounded is kept so, and codes are not rounded a second time.
void decide_compute(const EngineOptions& options, Plan& plan) {
  plan.compute = *ops::compute_named(options.compute);
  if (plan.compute == ops::Compute::kFloat32) return;
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorCode::kInvalidArgument, "compute " + options.compute + ": " + why, "compute");
  };
  const bool rounds = ops::rounds_to(plan.compute) != tensor::DType::kF32;
  if (plan.quantisation && rounds)
    refuse("the model's weights are quantised: expected float32 or int8");
  if (options.dtype != "auto" && options.dtype != options.compute)
    refuse("weights are kept as " + options.compute + ": expected dtype auto" +
           (rounds ? " or " + options.compute : "") + ", found " + options.dtype);
  if (plan.shape.layers == 0) refuse("the model has no layers: expected float32");
  std::string known;
  for (const ops::Compute here : backend::computes_of(options.backend)) {
    if (here == plan.compute) return;
    known += (known.empty() ? "" : ", ") + std::string(ops::to_string(here));
  }
  refuse("the backend " + options.backend + " has no such: expected one of " + known);
}

void decide(const EngineOptions& options, const json::object& overrides, const json::object& pooler,
            Plan& plan) {
  decide_quantisation(options, plan);
  recognise(options, overrides, plan);
  plan.shape = plan.family->shape(plan.config);
  decide_compute(options, plan);
  if (plan.family->images) plan.images = plan.family->images(plan.config);
  decide_vocabulary(options, plan);
  plan.max_images = options.limit_images;
  plan.mm_processor_kwargs = options.mm_processor_kwargs;
  const bool prepares = !parse_object(options.mm_processor_kwargs, "mm_processor_kwargs").empty();
  if (!plan.images && prepares) {
    throw Error(ErrorCode::kInvalidArgument,
                "mm_processor_kwargs: " + plan.architecture + " reads no images",
                "mm_processor_kwargs");
  }
  std::optional<checkpoint::PoolingModule>& pooling = plan.pipeline.pooling;
  if (pooling && pooling->modes.empty()) pooling->modes = {plan.family->mlx.pooling};
  decide_tokenizer(plan);
  decide_head(options, plan);
  apply_pooler_config(pooler, plan);
  decide_pooled(plan);
  decide_prompt(options, plan);
  if (plan.images && plan.late_interaction) check_retrieval_prompts(plan.weights, *plan.images);
  decide_length(options, plan);
  decide_sizes(plan);
  check_default_dimensions(plan);
  note_default_pooling(pooler, plan);
}

}  // namespace

std::vector<Plan> make_plans(const EngineOptions& options,
                             const std::function<void(const DownloadProgress&)>& progress) {
  require_one_of("runner", options.runner, {"auto", "generate", "pooling"});
  require_one_of("convert", options.convert, {"auto", "none", "embed", "classify"});
  require_one_of("dtype", options.dtype, {"auto", "float32", "float16", "bfloat16"});
  require_one_of("compute", options.compute, {"float32", "bfloat16", "float16", "int8"});
  const tensor::DType kv_cache_dtype = cache_type(options.kv_cache_dtype);
  const json::object overrides = parse_object(options.hf_overrides, "hf_overrides");
  const json::object pooler = parse_object(options.pooler_config, "pooler_config");

  HubOptions hub = options.hub;
  hub.dense_path = options.dense_path;
  const std::filesystem::path folder = resolve_model(options.model, hub, progress);
  const checkpoint::SentenceTransformer modules = read_modules_of(folder, options, progress);
  std::vector<Plan> plans;
  for (const checkpoint::ModulePipeline& pipeline : modules.pipelines) {
    Plan plan{.name = options.model,
              .folder = folder,
              .weights = pipeline.input.folder,
              .adapter = checkpoint::Adapter::find(folder_of_adapter(folder, modules, pipeline)),
              .config = checkpoint::Config({}, ""),
              .modules = modules,
              .pipeline = pipeline};
    plan.kv_cache_dtype = kv_cache_dtype;
    plan.notes = modules.notes;
    if (plan.adapter) {
      plan.weights = base_of(*plan.adapter, options, progress);
      const bool own = has_tokenizer(plan.adapter->folder);
      plan.pipeline.input.folder = own ? plan.adapter->folder : plan.weights;
    }
    const bool own_tokenizer = options.tokenizer.empty() || options.tokenizer == options.model;
    plan.tokenizer = own_tokenizer ? plan.pipeline.input.folder
                                   : resolve_model(options.tokenizer, options.hub, progress);
    // Pipelines of one transformer share its config, as they share its weights.
    const auto same = std::ranges::find(plans, plan.weights, &Plan::weights);
    plan.config = same == plans.end() ? read_config(plan, overrides) : same->config;
    decide(options, overrides, pooler, plan);
    plans.push_back(std::move(plan));
  }
  for (const Plan& plan : plans) {  // vectors of other sizes can't be compared
    if (vector_size(plan) != vector_size(plans.front())) plans.front().scorer = Scorer::kNone;
  }
  return plans;
}

bool Plan::generates() const { return std::ranges::count(tasks, Task::kGenerate) > 0; }

bool Plan::tells_roles_apart() const {
  const auto& routes = modules.pipeline_of_role;
  const checkpoint::InputModule& input = pipeline.input;
  return late_interaction || routes[1] != routes[2] || input.messages || input.query_length ||
         input.document_length;
}

}  // namespace vecton::engine
