#include "checkpoint/late_interaction.h"

#include <algorithm>
#include <array>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/config.h"
#include "checkpoint/gguf/config.h"
#include "gguf/file.h"

namespace vecton::checkpoint {

namespace {

namespace fs = std::filesystem;

// Python's string.punctuation, a string each.
std::vector<std::string> punctuation() {
  std::vector<std::string> marks;
  for (const char c : std::string("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")) marks.emplace_back(1, c);
  return marks;
}

const char* const kPylateKeys[] = {"query_prefix",       "document_prefix",
                                   "query_length",       "document_length",
                                   "do_query_expansion", "attend_to_expansion_tokens",
                                   "skiplist_words"};

// Stanford's; transformers' and MLX's; colpali-engine's.
constexpr std::array<std::string_view, 3> kProjections = {
    "linear.weight", "embedding_proj_layer.weight", "custom_text_proj.weight"};

LateInteraction read_pylate(const Config& config) {
  LateInteraction late{.query_marker = "[Q] ", .document_marker = "[D] ", .document_length = 180};
  late.query_marker = config.string_or("query_prefix", late.query_marker);
  late.document_marker = config.string_or("document_prefix", late.document_marker);
  late.query_length = config.integer_or("query_length", late.query_length, 3);
  late.document_length = config.integer_or("document_length", late.document_length, 3);
  late.expand_queries = config.boolean_or("do_query_expansion", true);
  late.attend_to_expansion = config.boolean_or("attend_to_expansion_tokens", false);
  late.skiplist =
      config.has("skiplist_words") ? config.strings_or_empty("skiplist_words") : punctuation();
  return late;
}

LateInteraction of_multi_vector_encoder(const InputModule& input) {
  LateInteraction late{.query_length = input.query_length.value_or(0),
                       .document_length = input.document_length.value_or(0),
                       .expand_queries = input.query_expansion.has_value(),
                       .any_text = true};
  if (const auto& expansion = input.query_expansion) {
    late.fill_length = expansion->length;
    late.fill_token = expansion->token;
    late.attend_to_expansion = expansion->attend;
    if (expansion->cut) {
      late.query_length = expansion->length;
    } else if (late.query_length > 0) {
      late.query_length = std::max(late.query_length, expansion->length);
    }
  }
  return late;
}

}  // namespace

bool is_colbert(std::string_view architecture) {
  static constexpr std::array<std::string_view, 3> kNames = {"HF_ColBERT", "ColBERTModel",
                                                             "ColBERT"};
  return std::ranges::find(kNames, architecture) != kNames.end();
}

std::optional<int64_t> projected_size(const Tensors& tensors) {
  // Other parts of a model have linear layers too: the one of every token stands outside of them.
  std::optional<int64_t> rows;
  std::ptrdiff_t least = 0;
  for (const auto& entry : tensors) {  // no binding: Clang 14's lambdas take none
    const std::string& name = entry.first;
    const StoredTensor& tensor = entry.second;
    const auto is_called = [&](std::string_view known) {
      return name.ends_with(known) &&
             (name.size() == known.size() || name[name.size() - known.size() - 1] == '.');
    };
    if (tensor.shape.empty() || std::ranges::none_of(kProjections, is_called)) continue;
    const std::ptrdiff_t depth = std::ranges::count(name, '.');
    if (rows && least <= depth) continue;
    rows = tensor.shape[0];
    least = depth;
  }
  return rows;
}

LateInteraction LateInteraction::read_stanford(const fs::path& folder) {
  LateInteraction late{.query_marker = "[unused0]",
                       .document_marker = "[unused1]",
                       .skiplist = punctuation(),
                       .linear_in_model = true};
  const fs::path file = folder / "artifact.metadata";
  if (!base::is_file(file)) return late;
  const Config config = Config::read(file);
  late.query_marker = config.string_or("query_token_id", late.query_marker);
  late.document_marker = config.string_or("doc_token_id", late.document_marker);
  late.query_length = config.integer_or("query_maxlen", late.query_length, 3);
  late.document_length = config.integer_or("doc_maxlen", late.document_length, 3);
  late.attend_to_expansion = config.boolean_or("attend_to_mask_tokens", false);
  if (!config.boolean_or("mask_punctuation", true)) late.skiplist.clear();
  config.require("similarity", "cosine");
  config.require("relu", false);
  return late;
}

LateInteraction LateInteraction::of_images() {
  return {.query_length = 0,
          .expand_queries = false,
          .skip_in_documents = false,
          .linear_in_model = true,
          .any_text = true};
}

LateInteraction LateInteraction::read_modules(const fs::path& folder,
                                              const SentenceTransformer& modules,
                                              const ModulePipeline& pipeline) {
  const fs::path file = folder / "config_sentence_transformers.json";
  const Config config = gguf::is_gguf(folder)
                            ? Config(gguf_late_interaction_json(), folder.string())
                        : base::is_file(file) ? Config::read(file)
                                              : Config({}, file.string());
  const bool new_layout = pipeline.mask || modules.model_type == "MultiVectorEncoder";
  const bool has_old_key =
      std::ranges::any_of(kPylateKeys, [&](const char* key) { return config.has(key); });
  LateInteraction late =
      new_layout && !has_old_key ? of_multi_vector_encoder(pipeline.input) : read_pylate(config);
  if (!new_layout) return late;
  late.any_text = true;
  late.skiplist.clear();
  if (!pipeline.mask) return late;
  late.skiplist = pipeline.mask->skiplist_words;
  late.skip_in_queries = pipeline.mask->skip_in_queries;
  late.skip_in_documents = pipeline.mask->skip_in_documents;
  late.keep_only = pipeline.mask->keep_only_token_ids;
  return late;
}

}  // namespace vecton::checkpoint
