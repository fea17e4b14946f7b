#include "checkpoint/sentence_transformers.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/config.h"
#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton {

namespace {

namespace fs = std::filesystem;

enum class ModuleKind {
  kTransformer,
  kPooling,
  kDense,
  kNormalize,
  kDropout,
  kSpladePooling,
  kStaticEmbedding
};

struct ModuleClass {
  std::string_view name;
  ModuleKind kind;
};
constexpr ModuleClass kModuleClasses[] = {
    {"Transformer", ModuleKind::kTransformer},
    {"Pooling", ModuleKind::kPooling},
    {"Dense", ModuleKind::kDense},
    {"Normalize", ModuleKind::kNormalize},
    {"Dropout", ModuleKind::kDropout},
    {"MLMTransformer", ModuleKind::kTransformer},
    {"StaticEmbedding", ModuleKind::kStaticEmbedding},
    {"SpladePooling", ModuleKind::kSpladePooling},
};

// Where the library kept these classes over its versions.
constexpr std::string_view kModulePackages[] = {
    "sentence_transformers.models.",
    "sentence_transformers.base.modules.",
    "sentence_transformers.sentence_transformer.modules.",
    "sentence_transformers.sentence_transformer.models.",
    "sentence_transformers.sparse_encoder.models.",
    "sentence_transformers.sparse_encoder.modules.",
    "sentence_transformers.multi_vector_encoder.models.",
    "sentence_transformers.multi_vector_encoder.modules.",
    "pylate.models.",
};

// What a class that is refused stands for, for the message.
struct OtherClass {
  std::string_view part, meaning;
};
constexpr OtherClass kOtherClasses[] = {
    {"pylate.", "a part of a late-interaction model (ColBERT)"},
    {".multi_vector_encoder.", "a part of a late-interaction model (ColBERT)"},
    {".sparse_encoder.", "a part of a sparse encoder"},
    {".cross_encoder.", "a cross-encoder"},
    {"CLIPModel", "an image and text model"},
    {"Router", "a model with several routes"},
    {"Asym", "a model with several routes"},
};

// How 1_Pooling/config.json calls a mode: in its list, and as a flag of the older layout. In the
// order in which sentence-transformers concatenates the flags.
struct PoolingName {
  std::string_view name, flag;
  Pooling pooling;
  const char* shown;
};
constexpr PoolingName kPoolingNames[] = {
    {"cls", "pooling_mode_cls_token", Pooling::kCls, "CLS"},
    {"max", "pooling_mode_max_tokens", Pooling::kMax, "MAX"},
    {"mean", "pooling_mode_mean_tokens", Pooling::kMean, "MEAN"},
    {"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", Pooling::kMeanSqrtLen,
     "MEAN_SQRT_LEN"},
    {"weightedmean", "pooling_mode_weightedmean_tokens", Pooling::kWeightedMean, "WEIGHTED_MEAN"},
    {"lasttoken", "pooling_mode_lasttoken", Pooling::kLast, "LAST"},
};

struct ActivationName {
  std::string_view name;
  Activation activation;
};
constexpr ActivationName kActivationNames[] = {
    {"Identity", Activation::kIdentity}, {"Tanh", Activation::kTanh},
    {"GELU", Activation::kGelu},         {"ReLU", Activation::kRelu},
    {"SiLU", Activation::kSilu},         {"Sigmoid", Activation::kSigmoid},
};

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('.') + 1); }

[[noreturn]] void refuse(const std::string& file, const std::string& message) {
  throw Error(ErrorCode::kUnsupported, file + ": " + message);
}

std::optional<int64_t> optional_integer(const Config& config, std::string_view key) {
  return config.has(key) ? std::optional(config.integer(key)) : std::nullopt;
}

std::string names_of(const auto& table) {
  std::string list;
  for (const auto& entry : table) list += (list.empty() ? "" : ", ") + std::string(entry.name);
  return list;
}

ModuleKind module_kind(const std::string& type, const std::string& file) {
  const bool known_package = std::ranges::any_of(
      kModulePackages, [&](std::string_view package) { return type.starts_with(package); });
  const auto* known = std::ranges::find(kModuleClasses, last_part(type), &ModuleClass::name);
  if (known_package && known != std::end(kModuleClasses)) return known->kind;
  std::string meaning;
  for (const OtherClass& other : kOtherClasses) {
    if (type.find(other.part) == std::string::npos) continue;
    meaning = std::string(": this is ") + std::string(other.meaning);
    break;
  }
  refuse(file, "module class " + quoted_text(type) + " is not supported" + meaning +
                   "; sentence-transformers' " + names_of(kModuleClasses) + " are");
}

// A module's folder: below the model's, whatever modules.json says.
fs::path module_folder(const fs::path& root, const std::string& path, const std::string& file) {
  const fs::path relative(path);
  const bool inside =
      !relative.is_absolute() && path.find('\0') == std::string::npos &&
      std::ranges::none_of(relative, [](const fs::path& part) { return part == ".."; });
  if (!inside) {
    throw Error(ErrorCode::kCorrupt, file + ": module path " + quoted_text(path) +
                                         ": expected a folder inside the model's");
  }
  return path.empty() ? root : root / relative;
}

std::vector<Pooling> listed_pooling(const Config& config) {
  const json::value* value = config.raw("pooling_mode");
  std::vector<std::string> names;
  if (value->is_string()) {
    names.push_back(config.string("pooling_mode"));
  } else {
    names = config.strings_or_empty("pooling_mode");
  }
  std::vector<Pooling> result;
  for (const std::string& name : names) {
    const auto* known = std::ranges::find(kPoolingNames, name, &PoolingName::name);
    if (known == std::end(kPoolingNames)) {
      refuse(config.file(), "pooling mode " + quoted_text(name) + " is not supported, only " +
                                names_of(kPoolingNames));
    }
    result.push_back(known->pooling);
  }
  return result;
}

std::vector<Pooling> flagged_pooling(const Config& config) {
  std::vector<Pooling> result;
  for (const PoolingName& known : kPoolingNames) {
    const bool by_default = known.pooling == Pooling::kMean;  // as sentence-transformers has it
    if (config.boolean_or(known.flag, by_default)) result.push_back(known.pooling);
  }
  return result;
}

void read_pooling(const fs::path& folder, SentenceTransformer& model) {
  const Config config = Config::read(folder / "config.json");
  model.pooling = config.has("pooling_mode") ? listed_pooling(config) : flagged_pooling(config);
  if (model.pooling.empty())
    throw Error(ErrorCode::kCorrupt, config.file() + ": names no pooling mode");
  model.include_prompt = config.boolean_or("include_prompt", true);
  model.pooling_width =
      optional_integer(config, config.has("embedding_dimension") ? "embedding_dimension"
                                                                 : "word_embedding_dimension");
}

DenseModule read_dense(const fs::path& folder, bool of_tokens) {
  const Config config = Config::read(folder / "config.json");
  DenseModule dense;
  dense.folder = folder;
  dense.in_features = config.integer("in_features");
  dense.out_features = config.integer("out_features");
  dense.bias = config.boolean_or("bias", true);
  const std::string name =
      config.string_or("activation_function", "torch.nn.modules.activation.Tanh");
  const auto* known = std::ranges::find(kActivationNames, last_part(name), &ActivationName::name);
  if (!name.starts_with("torch.nn.") || known == std::end(kActivationNames)) {
    refuse(config.file(), "activation_function " + quoted_text(name) +
                              " is not supported, only torch.nn's " + names_of(kActivationNames));
  }
  dense.activation = known->activation;
  dense.activation_name = known->name;
  dense.residual = config.boolean_or("use_residual", false);
  const char* const name_of_input = of_tokens ? "token_embeddings" : "sentence_embedding";
  config.require("module_input_name", name_of_input);
  config.require("module_output_name", name_of_input);
  return dense;
}

SpladePooling read_splade(const fs::path& folder) {
  const Config config = Config::read(folder / "config.json");
  const std::string strategy = config.string_or("pooling_strategy", "max");
  if (strategy != "max" && strategy != "sum")
    refuse(config.file(),
           "pooling_strategy " + quoted_text(strategy) + " is not supported; max and sum are");
  const std::string activation = config.string_or("activation_function", "relu");
  if (activation != "relu" && activation != "log1p_relu") {
    refuse(config.file(), "activation_function " + quoted_text(activation) +
                              " is not supported; relu and log1p_relu are");
  }
  config.ignore({"word_embedding_dimension", "embedding_dimension", "chunk_size"});
  return {.sum = strategy == "sum", .log_twice = activation == "log1p_relu"};
}

void read_normalize(const fs::path& folder, SentenceTransformer& model) {
  model.normalize = true;
  if (!is_file(folder / "config.json")) return;  // old versions wrote none
  const Config config = Config::read(folder / "config.json");
  config.require("module_input_name", "sentence_embedding");
  config.require("module_output_name", "sentence_embedding");
}

// The name of the transformer module's own settings depends on the class that wrote them.
void read_transformer(const fs::path& folder, SentenceTransformer& model) {
  static constexpr std::string_view kNames[] = {
      "sentence_bert_config.json",       "sentence_roberta_config.json",
      "sentence_distilbert_config.json", "sentence_camembert_config.json",
      "sentence_albert_config.json",     "sentence_xlm-roberta_config.json",
      "sentence_xlnet_config.json",
  };
  model.transformer = folder;
  const auto* name =
      std::ranges::find_if(kNames, [&](std::string_view n) { return is_file(folder / n); });
  if (name == std::end(kNames)) return;
  const Config config = Config::read(folder / *name);
  model.max_seq_length = optional_integer(config, "max_seq_length");
  model.lower_case = config.boolean_or("do_lower_case", false);
  const std::string task = config.string_or("transformer_task", "feature-extraction");
  if (task != "feature-extraction" && task != "fill-mask")
    refuse(config.file(), "transformer_task " + quoted_text(task) + " is not supported");
  model.masked_lm = task == "fill-mask";
  config.require("module_output_name", "token_embeddings");
  const std::optional<Config> modalities = config.child("modality_config");
  if (!modalities) return;
  if (const std::optional<Config> text = modalities->child("text")) {
    text->require("method", "forward");
    text->require("method_output_name", "last_hidden_state");
  } else {
    refuse(config.file(), "\"modality_config\" has no \"text\"");
  }
}

void read_prompts(const Config& config, SentenceTransformer& model) {
  if (const json::value* value = config.raw("prompts")) {
    if (!value->is_object())
      throw Error(ErrorCode::kCorrupt, config.file() + ": \"prompts\": expected an object");
    for (const auto& [name, text] : value->get_object()) {
      if (!text.is_string()) {
        throw Error(ErrorCode::kCorrupt,
                    config.file() + ": prompt " + quoted_text(name) + ": expected a string");
      }
      model.prompts.emplace_back(name, text.get_string());
    }
  }
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

void read_settings(const fs::path& file, SentenceTransformer& model) {
  static constexpr std::string_view kSimilarities[] = {"cosine",    "dot",    "euclidean",
                                                       "manhattan", "MaxSim", "maxsim"};
  static constexpr std::string_view kTypes[] = {"SentenceTransformer", "SparseEncoder", "ColBERT",
                                                "MultiVectorEncoder"};
  const Config config = Config::read(file);
  const std::string type = config.string_or("model_type", "SentenceTransformer");
  if (std::ranges::find(kTypes, type) == std::end(kTypes))
    refuse(config.file(), "model_type " + quoted_text(type) + " is not supported");
  if ((type == "SparseEncoder") && !model.splade)
    refuse(config.file(), "model_type " + quoted_text(type) + " needs a SpladePooling module");
  if ((type == "ColBERT" || type == "MultiVectorEncoder") && !model.token_dense)
    refuse(config.file(), "model_type " + quoted_text(type) + " needs a Dense module on tokens");
  read_prompts(config, model);
  model.similarity = config.string_or("similarity_fn_name", "cosine");
  if (std::ranges::find(kSimilarities, model.similarity) == std::end(kSimilarities)) {
    refuse(config.file(), "similarity_fn_name " + quoted_text(model.similarity) +
                              " is not supported, only cosine, dot, euclidean, manhattan, MaxSim");
  }
  if ((model.similarity == "MaxSim" || model.similarity == "maxsim") && !model.token_dense) {
    refuse(config.file(), "similarity_fn_name " + quoted_text(model.similarity) +
                              " is for late interaction, and no module gives a vector per token");
  }
  model.truncate_dim = optional_integer(config, "truncate_dim");
}

// Transformer, Pooling, Dense..., Normalize; the widths of neighbours agree.
void add_module(ModuleKind kind, const fs::path& folder, const std::string& file,
                SentenceTransformer& model) {
  const bool first = model.transformer.empty();
  if (first != (kind == ModuleKind::kTransformer || kind == ModuleKind::kStaticEmbedding))
    refuse(file, "expected one Transformer, as the first module");
  switch (kind) {
    case ModuleKind::kTransformer:
      read_transformer(folder, model);
      break;
    case ModuleKind::kStaticEmbedding:
      model.transformer = folder;
      model.static_embedding = true;
      model.pooling = {Pooling::kMean};
      break;
    case ModuleKind::kPooling:
      if (!model.pooling.empty() || !model.dense.empty() || model.normalize) {
        refuse(file, "expected one Pooling, before Dense and Normalize");
      }
      read_pooling(folder, model);
      break;
    case ModuleKind::kDense: {
      model.token_dense = model.pooling.empty();
      if (model.normalize) refuse(file, "a Dense after Normalize is not supported");
      const int64_t pooled =
          model.pooling_width.value_or(0) * static_cast<int64_t>(model.pooling.size());
      const int64_t width = model.dense.empty() ? pooled : model.dense.back().out_features;
      model.dense.push_back(read_dense(folder, model.token_dense));
      const int64_t taken = model.dense.back().in_features;
      if (width != 0 && width != taken) {
        throw Error(ErrorCode::kCorrupt, (folder / "config.json").string() +
                                             ": \"in_features\": the module before it gives " +
                                             std::to_string(width) + " values, found " +
                                             std::to_string(taken));
      }
      break;
    }
    case ModuleKind::kNormalize:
      read_normalize(folder, model);
      break;
    case ModuleKind::kDropout:
      break;  // does nothing outside training
    case ModuleKind::kSpladePooling:
      if (!model.pooling.empty() || !model.dense.empty() || model.splade)
        refuse(file, "expected one SpladePooling, right after the transformer");
      model.splade = read_splade(folder);
      break;
  }
}

}  // namespace

SentenceTransformer SentenceTransformer::read(const fs::path& folder,
                                              const std::string& dense_path) {
  SentenceTransformer model;
  const fs::path modules = folder / "modules.json";
  int64_t replaced = dense_path.empty() ? 1 : 0;
  const auto check_replaced = [&] {
    if (replaced != 1) {
      throw Error(ErrorCode::kInvalidArgument,
                  "dense_path: expected one Dense module in " + modules.string() + ", there are " +
                      std::to_string(replaced),
                  "dense_path");
    }
  };
  if (!is_file(modules)) {
    check_replaced();
    model.transformer = folder;
    return model;
  }
  model.present = true;
  const std::string file = modules.string();
  const json::value document = read_json(modules);
  const json::array* list = document.if_array();
  if (!list || list->empty())
    throw Error(ErrorCode::kCorrupt, file + ": expected a list of modules");

  // All classes first: the refusal of a whole kind of model says more than that of one module's
  // settings.
  std::vector<std::pair<ModuleKind, fs::path>> kinds;
  for (const json::value& entry : *list) {
    if (!entry.is_object()) throw Error(ErrorCode::kCorrupt, file + ": expected a list of objects");
    const Config module(entry.get_object(), file);
    const ModuleKind kind = module_kind(module.string("type"), file);
    std::string path = module.string_or("path", "");
    if (kind == ModuleKind::kDense && !dense_path.empty()) {
      path = dense_path;
      ++replaced;
    }
    kinds.emplace_back(kind, module_folder(folder, path, file));
  }
  check_replaced();
  for (const auto& [kind, path] : kinds) add_module(kind, path, file, model);
  if (model.transformer.empty()) refuse(file, "expected one Transformer, as the first module");

  if (model.masked_lm && !model.splade)
    refuse(file, "transformer_task \"fill-mask\" needs a SpladePooling module");

  const fs::path settings = folder / "config_sentence_transformers.json";
  if (is_file(settings)) read_settings(settings, model);
  return model;
}

const char* to_string(Pooling pooling) {
  return std::ranges::find(kPoolingNames, pooling, &PoolingName::pooling)->shown;
}

}  // namespace vecton
