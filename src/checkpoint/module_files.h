// Readers of the modules' config files, of every version of sentence-transformers. A key is used,
// refused by name (kUnsupported) or known to change nothing; one that nobody knows goes to `notes`.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/modules.h"

namespace vecton::checkpoint {

using Notes = std::vector<std::string>;

// The features that modules hand on, by their names in the files.
inline constexpr std::string_view kTokenEmbeddings = "token_embeddings";
inline constexpr std::string_view kSentenceEmbedding = "sentence_embedding";
inline constexpr std::string_view kScores = "scores";
inline constexpr std::string_view kCausalLogits = "causal_logits";

PoolingModule read_pooling(const std::filesystem::path& folder, Notes& notes);

// `feature` is what there is to read: kTokenEmbeddings or kSentenceEmbedding. A Dense that writes
// kScores says so in `scores`.
DenseModule read_dense(const std::filesystem::path& folder, std::string_view feature, bool& scores,
                       Notes& notes);
WeightedLayerPooling read_weighted_layer_pooling(const std::filesystem::path& folder, Notes& notes);
LayerNormModule read_layer_norm(const std::filesystem::path& folder, Notes& notes);
void read_normalize(const std::filesystem::path& folder, std::string_view feature, Notes& notes);

SpladePooling read_splade_pooling(const std::filesystem::path& folder, Notes& notes);
MultiVectorMask read_multi_vector_mask(const std::filesystem::path& folder, Notes& notes);
LogitScore read_logit_score(const std::filesystem::path& folder, Notes& notes);

// Adds the keys that nobody read.
void note_unread(const Config& config, Notes& notes);

}  // namespace vecton::checkpoint
