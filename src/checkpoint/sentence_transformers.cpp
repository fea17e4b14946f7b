#include "checkpoint/sentence_transformers.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/config.h"
#include "checkpoint/gguf/config.h"
#include "checkpoint/name_text.h"
#include "checkpoint/torch_activations.h"
#include "checkpoint/written_by.h"
#include "gguf/file.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

namespace fs = std::filesystem;

struct SimilarityName {
  std::string_view name;
  Similarity similarity;
};
constexpr SimilarityName kSimilarities[] = {
    {"cosine", Similarity::kCosine},       {"dot", Similarity::kDot},
    {"euclidean", Similarity::kEuclidean}, {"manhattan", Similarity::kManhattan},
    {"maxsim", Similarity::kMaxSim},       {"meanmaxsim", Similarity::kMeanMaxSim},
    {"MaxSim", Similarity::kMaxSim},  // PyLate's spelling
};

bool is_late_interaction(const SentenceTransformer& model) {
  return model.present && model.is_late_interaction(model.pipelines.front());
}

void check_type(const Config& config, SentenceTransformer& model) {
  static constexpr std::string_view kTypes[] = {"SentenceTransformer", "CrossEncoder",
                                                "SparseEncoder", "ColBERT", "MultiVectorEncoder"};
  model.model_type = config.string_or("model_type", "");
  const std::string& type = model.model_type;
  if (type.empty()) return;
  if (std::ranges::find(kTypes, type) == std::end(kTypes)) {
    std::string names;
    for (const std::string_view name : kTypes)
      names += (names.empty() ? "" : ", ") + std::string(name);
    refuse_module(config.file(),
                  "model_type " + quoted_text(type) + " is not supported, only " + names);
  }
  if (!model.present) return;
  for (const ModulePipeline& pipeline : model.pipelines) {
    const bool fits = (type == "CrossEncoder") == pipeline.gives_scores() &&
                      (type == "SparseEncoder") == pipeline.gives_sparse();
    if (!fits)
      refuse_module(config.file(), "model_type " + quoted_text(type) + " does not fit its modules");
  }
}

void read_prompts(const Config& config, SentenceTransformer& model) {
  if (const json::value* value = config.raw("prompts")) {
    if (!value->is_object())
      throw Error(ErrorCode::kCorrupt, config.file() + ": \"prompts\": expected an object");
    for (const auto& [name, text] : value->get_object()) {
      if (text.is_null()) continue;  // a place for a prompt that there isn't
      if (!text.is_string()) {
        throw Error(ErrorCode::kCorrupt,
                    config.file() + ": prompt " + quoted_text(name) + ": expected a string");
      }
      model.prompts.emplace_back(name, text.get_string());
    }
  }
  config.ignore({"default_prompt_name"});
  if (!config.has("default_prompt_name")) return;
  model.default_prompt_name = config.string("default_prompt_name");
  const bool exists = std::ranges::any_of(
      model.prompts, [&](const auto& p) { return p.first == *model.default_prompt_name; });
  if (!exists) {
    throw Error(ErrorCode::kCorrupt, config.file() + ": \"default_prompt_name\" is " +
                                         quoted_text(*model.default_prompt_name) +
                                         ", but there is no such prompt");
  }
}

void read_similarity(const Config& config, SentenceTransformer& model) {
  const bool late = is_late_interaction(model);
  const bool sparse = model.present && model.pipelines.front().gives_sparse();
  model.similarity = late ? Similarity::kMaxSim : sparse ? Similarity::kDot : Similarity::kCosine;
  config.ignore({"similarity_fn_name"});
  if (!config.has("similarity_fn_name")) return;
  const std::string name = config.string("similarity_fn_name");
  const auto* known = std::ranges::find(kSimilarities, name, &SimilarityName::name);
  if (known == std::end(kSimilarities)) {
    refuse_module(config.file(),
                  "similarity_fn_name " + quoted_text(name) +
                      " is not supported, only cosine, dot, euclidean, manhattan, maxsim "
                      "and meanmaxsim");
  }
  const bool of_tokens =
      known->similarity == Similarity::kMaxSim || known->similarity == Similarity::kMeanMaxSim;
  if (of_tokens && !late) {
    refuse_module(config.file(),
                  "similarity_fn_name " + quoted_text(name) +
                      " is for late interaction, and no module gives a vector per token");
  }
  if (of_tokens == late) model.similarity = known->similarity;  // else old, of a version without
}

void read_settings(const Config& config, SentenceTransformer& model) {
  check_type(config, model);
  read_prompts(config, model);
  read_similarity(config, model);
  config.ignore({"truncate_dim", "max_active_dims"});  // null = all
  if (config.has("truncate_dim")) model.truncate_dim = config.integer("truncate_dim");
  if (config.has("max_active_dims")) model.max_active_dims = config.integer("max_active_dims");
  model.activation_fn = config.string_or("activation_fn", "");
  config.ignore({"__version__", "requirements", "keep_in_fp32_modules"});
  if (is_late_interaction(model)) {  // late_interaction.cpp reads these
    config.ignore({"query_prefix", "document_prefix", "query_length", "document_length",
                   "do_query_expansion", "attend_to_expansion_tokens", "skiplist_words"});
  }
  note_unread(config, model.notes);
}

// Queries are filled up where their tokens are compared one by one.
void check_query_expansion(const std::string& file, const SentenceTransformer& model) {
  for (const ModulePipeline& pipeline : model.pipelines) {
    if (!pipeline.input.query_expansion || model.is_late_interaction(pipeline)) continue;
    refuse_module(
        file, "query_expansion is for late interaction, and no module gives a vector per token");
  }
}

// The modules of a text of one task; nothing where a Router has no route for it.
std::optional<std::vector<ModuleReference>> flattened(const std::vector<ModuleReference>& modules,
                                                      const std::string& task, Notes& notes) {
  std::vector<ModuleReference> flat;
  for (const ModuleReference& module : modules) {
    if (!is_router(module.type)) {
      flat.push_back(module);
      continue;
    }
    const auto route = Router::read(module.folder, notes).modules(task);
    if (!route) return std::nullopt;
    flat.insert(flat.end(), route->begin(), route->end());
  }
  return flat;
}

void check_dense_path(const fs::path& folder, int64_t replaced) {
  if (replaced == 1) return;
  throw Error(ErrorCode::kInvalidArgument,
              "dense_path: expected one Dense module in " + (folder / "modules.json").string() +
                  ", there are " + std::to_string(replaced),
              "dense_path");
}

std::vector<ModuleReference> read_modules(const fs::path& folder, const std::string& dense_path) {
  int64_t replaced = 0;
  const std::string file = (folder / "modules.json").string();
  const json::value document = base::read_json(folder / "modules.json");
  const json::array* list = document.if_array();
  if (!list || list->empty())
    throw Error(ErrorCode::kCorrupt, file + ": expected a list of modules");
  std::vector<ModuleReference> modules;
  for (const json::value& entry : *list) {
    if (!entry.is_object()) throw Error(ErrorCode::kCorrupt, file + ": expected a list of objects");
    const Config module(entry.get_object(), file);
    const std::string type = module.string("type");
    const bool replace = !dense_path.empty() && class_name(type) == "Dense";
    replaced += replace ? 1 : 0;
    const std::string path = replace ? dense_path : module.string("path");
    modules.push_back({type, module_folder(folder, path, file), file});
    check_class(modules.back());
  }
  if (!dense_path.empty()) check_dense_path(folder, replaced);
  return modules;
}

// mlx_embeddings.convert copies modules.json but none of the folders that it names.
bool is_left_without_folders(const fs::path& folder, std::span<const ModuleReference> modules) {
  std::error_code error;
  return modules.size() > 1 && written_by_mlx(folder) &&
         std::ranges::all_of(modules.subspan(1), [&](const ModuleReference& module) {
           const std::string_view name = class_name(module.type);
           return (name == "Pooling" || name == "Normalize") && !fs::exists(module.folder, error);
         });
}

// What mlx-embeddings computes of such a checkpoint, whatever the folders had said: it pools as the
// family has it there.
void take_mlx_modules(const fs::path& folder, std::span<const ModuleReference> modules,
                      SentenceTransformer& model) {
  ModulePipeline pipeline = ModulePipeline::read(modules.first(1), model.notes);
  pipeline.pooling = PoolingModule{.modes = {}, .width = {}};
  pipeline.vector_modules.emplace_back(std::in_place_type<NormalizeModule>);
  model.notes.push_back((folder / "modules.json").string() +
                        ": the folders that it names are not there: pooled as mlx-embeddings does");
  model.pipelines.push_back(std::move(pipeline));
}

// Where a GGUF file says how texts are pooled, their vectors have length 1, as llama.cpp gives
// them. Of late interaction it has the layer behind every token alone.
void take_gguf_modules(const fs::path& file, SentenceTransformer& model) {
  if (!gguf::is_gguf(file)) return;
  const gguf::File opened = gguf::File::open(file);
  ModulePipeline& pipeline = model.pipelines.front();
  pipeline.pooling = gguf_pooling(opened);
  const bool late = gguf_is_late_interaction(opened);
  if (!pipeline.pooling && !late) return;
  std::vector<RowModule>& modules = late ? pipeline.token_modules : pipeline.vector_modules;
  for (DenseModule& dense : gguf_dense_modules(opened, file))
    modules.emplace_back(std::in_place_type<DenseModule>, std::move(dense));
  if (!late) {
    modules.emplace_back(std::in_place_type<NormalizeModule>);
    return;
  }
  model.similarity = Similarity::kMaxSim;
  model.notes.push_back(file.string() +
                        ": a GGUF file says nothing of queries and documents: they are marked, "
                        "filled and cut as LFM2-ColBERT's are");
}

void read_pipelines(const fs::path& folder, const std::string& dense_path,
                    SentenceTransformer& model) {
  const std::vector<ModuleReference> modules = read_modules(folder, dense_path);
  if (is_left_without_folders(folder, modules)) return take_mlx_modules(folder, modules, model);
  std::vector<std::vector<ModuleReference>> routes;
  const char* const tasks[] = {"", "query", "document"};
  for (size_t role = 0; role < std::size(tasks); ++role) {
    Notes repeated;
    const auto route = flattened(modules, tasks[role], role == 0 ? model.notes : repeated);
    if (!route) {
      model.pipeline_of_role[role] = -1;
      continue;
    }
    const auto place = std::ranges::find(routes, *route);
    model.pipeline_of_role[role] = static_cast<int>(place - routes.begin());
    if (place != routes.end()) continue;
    routes.push_back(*route);
    model.pipelines.push_back(ModulePipeline::read(*route, model.notes));
  }
  if (model.pipelines.empty())
    refuse_module((folder / "modules.json").string(),
                  "its Router has no route for queries, documents or other texts");
}

}  // namespace

const char* to_string(Similarity similarity) {
  return std::ranges::find(kSimilarities, similarity, &SimilarityName::similarity)->name.data();
}

bool SentenceTransformer::is_late_interaction(const ModulePipeline& pipeline) const {
  return pipeline.mask || model_type == "MultiVectorEncoder" || model_type == "ColBERT" ||
         (!pipeline.pooling && !pipeline.token_modules.empty());
}

SentenceTransformer SentenceTransformer::read(const fs::path& folder,
                                              const std::string& dense_path) {
  SentenceTransformer model;
  model.present = base::is_file(folder / "modules.json");
  if (model.present) {
    read_pipelines(folder, dense_path, model);
  } else {
    if (!dense_path.empty()) check_dense_path(folder, 0);
    model.pipelines = {{.input = {.folder = folder}}};
    take_gguf_modules(folder, model);
  }
  const fs::path file = folder / "config_sentence_transformers.json";
  if (!base::is_file(file)) {
    if (model.present) read_similarity(Config({}, file.string()), model);
  } else {
    const Config config = Config::read(file);
    // Without modules only a cross-encoder's settings have a meaning.
    if (model.present || config.string_or("model_type", "") == "CrossEncoder")
      read_settings(config, model);
  }
  if (model.present) check_query_expansion((folder / "modules.json").string(), model);
  return model;
}

}  // namespace vecton::checkpoint
