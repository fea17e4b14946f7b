#include "checkpoint/module_files.h"

#include <algorithm>
#include <iterator>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/torch_activations.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

namespace fs = std::filesystem;

// How 1_Pooling/config.json calls a mode: in its list, and as a flag of the older layout. In the
// order in which sentence-transformers concatenates the flags.
struct PoolingName {
  std::string_view name, flag;
  ops::Pooling pooling;
  const char* shown;
};
constexpr PoolingName kPoolingNames[] = {
    {"cls", "pooling_mode_cls_token", ops::Pooling::kCls, "CLS"},
    {"max", "pooling_mode_max_tokens", ops::Pooling::kMax, "MAX"},
    {"mean", "pooling_mode_mean_tokens", ops::Pooling::kMean, "MEAN"},
    {"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", ops::Pooling::kMeanSqrtLen,
     "MEAN_SQRT_LEN"},
    {"weightedmean", "pooling_mode_weightedmean_tokens", ops::Pooling::kWeightedMean,
     "WEIGHTED_MEAN"},
    {"lasttoken", "pooling_mode_lasttoken", ops::Pooling::kLast, "LAST"},
};

[[noreturn]] void refuse(const Config& config, std::string_view key, const std::string& value,
                         const std::string& accepted) {
  throw Error(ErrorCode::kUnsupported, config.file() + ": " + std::string(key) + " " +
                                           quoted_text(value) + " is not supported, only " +
                                           accepted);
}

// Old versions wrote no file for modules without settings.
Config read_or_empty(const fs::path& folder) {
  const fs::path file = folder / "config.json";
  return base::is_file(file) ? Config::read(file) : Config({}, file.string());
}

std::vector<std::string> one_or_more(const Config& config, std::string_view key) {
  const json::value* value = config.raw(key);
  if (value && value->is_string()) return {config.string(key)};
  return config.strings_or_empty(key);
}

std::vector<ops::Pooling> listed_modes(const Config& config) {
  std::vector<ops::Pooling> modes;
  for (const std::string& name : one_or_more(config, "pooling_mode")) {
    const auto* known = std::ranges::find(kPoolingNames, name, &PoolingName::name);
    if (known == std::end(kPoolingNames)) {
      std::string names;
      for (const PoolingName& mode : kPoolingNames)
        names += (names.empty() ? "" : ", ") + std::string(mode.name);
      refuse(config, "pooling mode", name, names);
    }
    modes.push_back(known->pooling);
  }
  return modes;
}

std::vector<ops::Pooling> flagged_modes(const Config& config) {
  std::vector<ops::Pooling> modes;
  for (const PoolingName& known : kPoolingNames) {
    if (config.boolean_or(known.flag, false)) modes.push_back(known.pooling);
  }
  if (modes.empty()) modes.push_back(ops::Pooling::kMean);  // as sentence-transformers has it
  return modes;
}

// module_input_name and module_output_name; the latter is returned.
std::string check_features(const Config& config, std::string_view by_default,
                           std::string_view feature) {
  const std::string input = config.string_or("module_input_name", by_default);
  if (input != feature)
    refuse(config, "\"module_input_name\":", input,
           "\"" + std::string(feature) + "\": what the modules before it give");
  return config.string_or("module_output_name", input);
}

void check_output(const Config& config, const std::string& output, std::string_view feature) {
  if (output != feature)
    refuse(config, "\"module_output_name\":", output, "\"" + std::string(feature) + "\"");
}

}  // namespace

const char* to_string(ops::Pooling pooling) {
  return std::ranges::find(kPoolingNames, pooling, &PoolingName::pooling)->shown;
}

void note_unread(const Config& config, Notes& notes) {
  for (const std::string& key : config.unread())
    notes.push_back(config.file() + ": " + quoted_text(key) + " is not known; it changes nothing");
}

PoolingModule read_pooling(const fs::path& folder, Notes& notes) {
  const Config config = Config::read(folder / "config.json");
  PoolingModule pooling;
  const bool listed = config.has("pooling_mode");
  pooling.modes = listed ? listed_modes(config) : flagged_modes(config);
  if (listed) {  // the flags of an older version beside the list say the same
    for (const PoolingName& known : kPoolingNames) config.ignore({known.flag});
  }
  if (pooling.modes.empty())
    throw Error(ErrorCode::kCorrupt, config.file() + ": names no pooling mode");
  pooling.include_prompt = config.boolean_or("include_prompt", true);
  const char* width =
      config.has("embedding_dimension") ? "embedding_dimension" : "word_embedding_dimension";
  if (config.has(width)) pooling.width = config.integer(width);
  config.ignore({"embedding_dimension", "word_embedding_dimension"});
  note_unread(config, notes);
  return pooling;
}

DenseModule read_dense(const fs::path& folder, std::string_view feature, bool& scores,
                       Notes& notes) {
  const Config config = Config::read(folder / "config.json");
  DenseModule dense;
  dense.folder = folder;
  dense.in_features = config.integer("in_features");
  dense.out_features = config.integer("out_features");
  dense.bias = config.boolean_or("bias", true);
  const std::string name =
      config.string_or("activation_function", "torch.nn.modules.activation.Tanh");
  const std::optional<ops::Activation> activation = torch_activation(name);
  dense.row_function = torch_row_function(name);
  if (dense.row_function && feature != kSentenceEmbedding)
    refuse(config, "activation_function", name,
           "torch.nn's " + torch_activation_names() + " of " + std::string(feature) +
               ": without a dimension torch takes it across the texts of a batch");
  if (!activation && !dense.row_function)
    refuse(config, "activation_function", name,
           "torch.nn's " + torch_activation_names() + ", LogSoftmax, Softmax and Softmin");
  dense.activation = activation.value_or(ops::Activation::kIdentity);
  dense.activation_name = class_name(name);
  dense.residual = config.boolean_or("use_residual", false);
  const std::string output = check_features(config, feature, feature);
  scores = feature == kSentenceEmbedding && output == kScores;
  if (!scores) check_output(config, output, feature);
  note_unread(config, notes);
  return dense;
}

WeightedLayerPooling read_weighted_layer_pooling(const fs::path& folder, Notes& notes) {
  const Config config = Config::read(folder / "config.json");
  const char* width =
      config.has("embedding_dimension") ? "embedding_dimension" : "word_embedding_dimension";
  const WeightedLayerPooling pooling{
      .folder = folder,
      .layer_start = config.integer_or("layer_start", 4, 0, Config::kMostCounted),
      .width = config.integer(width),
      .num_hidden_layers = config.integer_or("num_hidden_layers", 12, 0, Config::kMostCounted)};
  if (pooling.layer_start > pooling.num_hidden_layers) {
    throw Error(ErrorCode::kCorrupt,
                config.file() + ": \"layer_start\" is beyond \"num_hidden_layers\"");
  }
  config.ignore({"embedding_dimension", "word_embedding_dimension"});
  note_unread(config, notes);
  return pooling;
}

LayerNormModule read_layer_norm(const fs::path& folder, Notes& notes) {
  const Config config = Config::read(folder / "config.json");
  const LayerNormModule norm{.folder = folder, .dimension = config.integer("dimension")};
  note_unread(config, notes);
  return norm;
}

void read_normalize(const fs::path& folder, std::string_view feature, Notes& notes) {
  const Config config = read_or_empty(folder);
  check_output(config, check_features(config, kSentenceEmbedding, feature), feature);
  note_unread(config, notes);
}

SpladePooling read_splade_pooling(const fs::path& folder, Notes& notes) {
  const Config config = Config::read(folder / "config.json");
  const std::string strategy = config.string_or("pooling_strategy", "max");
  if (strategy != "max" && strategy != "sum")
    refuse(config, "pooling_strategy", strategy, "max and sum");
  const std::string activation = config.string_or("activation_function", "relu");
  if (activation != "relu" && activation != "log1p_relu")
    refuse(config, "activation_function", activation, "relu and log1p_relu");
  // The size of the vocabulary, where it is known; how much is computed at once.
  config.ignore({"word_embedding_dimension", "embedding_dimension", "chunk_size"});
  note_unread(config, notes);
  return {.sum = strategy == "sum", .log_twice = activation == "log1p_relu"};
}

MultiVectorMask read_multi_vector_mask(const fs::path& folder, Notes& notes) {
  const Config config = read_or_empty(folder);
  MultiVectorMask mask;
  mask.skiplist_words = config.strings_or_empty("skiplist_words");
  if (config.has("skiplist_tasks")) {
    mask.skip_in_documents = false;
    for (const std::string& task : one_or_more(config, "skiplist_tasks")) {
      if (task == "query") {
        mask.skip_in_queries = true;
      } else if (task == "document") {
        mask.skip_in_documents = true;
      } else {
        refuse(config, "skiplist_tasks", task, "query and document");
      }
    }
  }
  mask.keep_only_token_ids = config.integers_or_empty("keep_only_token_ids");
  note_unread(config, notes);
  return mask;
}

LogitScore read_logit_score(const fs::path& folder, Notes& notes) {
  const Config config = Config::read(folder / "config.json");
  LogitScore score{.true_token_id = config.integer("true_token_id", 0)};
  if (config.has("false_token_id")) score.false_token_id = config.integer("false_token_id", 0);
  config.ignore({"false_token_id"});  // null: there is none
  check_features(config, kCausalLogits, kCausalLogits);
  note_unread(config, notes);
  return score;
}

}  // namespace vecton::checkpoint
