// What a sentence-transformers folder says beside the transformer: modules.json, 1_Pooling,
// 2_Dense, Normalize, prompts, max_seq_length. Old layouts (pooling_mode_* booleans) and new ones
// (pooling_mode list, new class paths) alike. Read once, when a model is opened; a plain value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ops/ops.h"

namespace vecton {

struct DenseModule {
  std::filesystem::path folder;  // its weights: linear.weight, linear.bias
  int64_t in_features = 0, out_features = 0;
  bool bias = true;
  Activation activation = Activation::kTanh;
  std::string activation_name;  // "Tanh", for people
  bool residual = false;        // use_residual: what comes in is added, through residual.weight
                                // where the sizes differ
};

// Weights of the vocabulary's tokens from a masked language model (SPLADE, arXiv:2109.10086).
struct SpladePooling {
  bool sum = false;        // over the positions, instead of the maximum
  bool log_twice = false;  // log1p(log1p(relu(x))) instead of log1p(relu(x))
};

struct SentenceTransformer {
  bool present = false;                  // there is a modules.json
  std::filesystem::path transformer;     // folder of the transformer module
  bool masked_lm = false;                // its transformer_task is fill-mask
  bool static_embedding = false;         // instead of a transformer: a table, the mean of its rows
  std::vector<Pooling> pooling;          // concatenated in this order; empty = no Pooling module
  std::optional<int64_t> pooling_width;  // columns the Pooling module expects of the transformer
  bool include_prompt = true;            // whether prompt tokens are pooled
  std::vector<DenseModule> dense;        // in order
  bool token_dense = false;              // Dense without a Pooling: a vector per token
  std::optional<SpladePooling> splade;
  bool normalize = false;
  std::vector<std::pair<std::string, std::string>> prompts;
  std::optional<std::string> default_prompt_name;
  std::optional<int64_t> max_seq_length;
  bool lower_case = false;  // do_lower_case: the text is lower-cased before the tokenizer
  std::string similarity = "cosine";
  std::optional<int64_t> truncate_dim;

  // Reads `folder`. A module of another class is refused by name (kUnsupported). `dense_path` is
  // the folder in it of the one Dense module, instead of what modules.json says; empty = as it
  // says.
  static SentenceTransformer read(const std::filesystem::path& folder,
                                  const std::string& dense_path = "");
};

// "CLS", "MEAN", "LAST", "MAX", "MEAN_SQRT_LEN", "WEIGHTED_MEAN".
const char* to_string(Pooling pooling);

}  // namespace vecton
