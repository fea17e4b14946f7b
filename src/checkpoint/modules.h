// The modules of a sentence-transformers folder, as plain values: what the config file of each one
// says, checked. Read by module_files.cpp when a model is opened; put in order by
// module_pipeline.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "checkpoint/torch_activations.h"
#include "ops/ops.h"

namespace vecton::checkpoint {

// act(x W^T + b) of a row.
struct DenseModule {
  std::filesystem::path folder;  // its weights: linear.weight, linear.bias
  int64_t in_features = 0, out_features = 0;
  bool bias = true;
  ops::Activation activation = ops::Activation::kTanh;
  std::optional<RowFunction> row_function{};  // instead of `activation`, which is the identity then
  std::string activation_name;                // torch's: "Tanh"
  bool residual = false;  // use_residual: what comes in is added, through residual.weight
                          // where the sizes differ
};

struct LayerNormModule {
  std::filesystem::path folder;  // its weights: norm.weight, norm.bias
  int64_t dimension = 0;
};

struct NormalizeModule {};  // length 1

// What turns one row of numbers into another: a token's or a pooled vector.
using RowModule = std::variant<DenseModule, LayerNormModule, NormalizeModule>;

struct PoolingModule {
  std::vector<ops::Pooling> modes;  // concatenated in this order; empty = the family says
  std::optional<int64_t> width;     // columns that it expects of a token's row
  bool include_prompt = true;       // whether prompt tokens are pooled
};

// A token's row is the weighted mean of what the layers give, from layer_start on (0 = before the
// first); `folder` has the layer_weights.
struct WeightedLayerPooling {
  std::filesystem::path folder;
  int64_t layer_start = 0, width = 0, num_hidden_layers = 0;
};

// Weights of the vocabulary's tokens from a masked language model (SPLADE, arXiv:2109.10086).
struct SpladePooling {
  bool sum = false;        // over the positions, instead of the maximum
  bool log_twice = false;  // log1p(log1p(relu(x))) instead of log1p(relu(x))
};

// Which tokens of a late-interaction model have a vector that counts.
struct MultiVectorMask {
  std::vector<std::string> skiplist_words;                 // tokens that have none ...
  bool skip_in_queries = false, skip_in_documents = true;  // ... in texts of these roles
  std::vector<int64_t> keep_only_token_ids;  // of what is no query: only these; empty = all
};

// A score from a generative model's next-token logits: of one token, or of two their difference.
struct LogitScore {
  int64_t true_token_id = 0;
  std::optional<int64_t> false_token_id;
};

// What a Transformer module computes of a text.
enum class TransformerTask {
  kFeatureExtraction,
  kSequenceClassification,
  kTextGeneration,
  kFillMask
};

// Texts go through the chat template, as messages.
struct MessageFormat {
  bool structured = false;  // "content" is a list of {"type": "text", "text": ...}, not a string
  bool add_generation_prompt = false;
  std::string variables;       // more variables of the template: a JSON object, or empty
  bool restore_suffix = true;  // a text that is cut keeps what the template puts at its end
};

// Queries of late interaction are filled with a token up to a length.
struct QueryExpansion {
  int64_t length = 0;
  bool cut = true;      // "fixed": longer queries are cut to it
  bool attend = false;  // whether other tokens attend to the fill
  std::string token;    // empty = the tokenizer's mask token, or the end of text
};

// The first module: text to rows, or to what its task names.
struct InputModule {
  enum class Kind { kTransformer, kStaticEmbedding, kSparseStaticEmbedding };
  Kind kind = Kind::kTransformer;
  std::filesystem::path folder;
  TransformerTask task = TransformerTask::kFeatureExtraction;
  std::optional<int64_t> max_seq_length;
  bool lower_case = false;                // do_lower_case
  std::optional<MessageFormat> messages;  // none = the text itself is tokenized
  std::optional<int64_t> query_length, document_length;
  std::optional<QueryExpansion> query_expansion;
  // It gives a vector of a text, or of an image, itself (CLIP, SigLIP), and none of tokens.
  bool vectors = false;
};

// "CLS", "MEAN", "LAST", "MAX", "MEAN_SQRT_LEN", "WEIGHTED_MEAN".
const char* to_string(ops::Pooling pooling);

}  // namespace vecton::checkpoint
