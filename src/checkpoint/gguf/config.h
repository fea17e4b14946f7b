// What config.json would say of the model in a GGUF file, from its metadata, the shapes of its
// tensors, and what llama.cpp knows of its architecture without a key. Called by the plan of a
// model.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "checkpoint/config.h"
#include "checkpoint/modules.h"
#include "gguf/file.h"

namespace vecton::checkpoint {

// `overrides` is laid over it. Architectures that there is no family for, and keys that change what
// is computed and that no family reads, are refused by name (kUnsupported).
Config gguf_config(const gguf::File& file, const json::object& overrides);
// The same as a value. Keys of the architecture that nobody reads are in it under their own names.
json::object gguf_config_json(const gguf::File& file);

// The architecture whose names the tensors have: the file's, and of a file of "bert"
// "roberta" where it has a tokenizer of RoBERTa's kind, "distilbert" where it has no token types;
// of a file of "jina-bert-v2" also "jina-bert-v2-split" and "jina-bert-v2-code".
std::string_view gguf_architecture(const gguf::File& file);

// How many rows of positions RoBERTa's checkpoints have before those that are used.
int64_t gguf_positions_before(const gguf::File& file);

// How the file says that texts are pooled; none where it does not.
std::optional<PoolingModule> gguf_pooling(const gguf::File& file);

// The layers behind the pooling that EmbeddingGemma's files may have, dense_2 and dense_3, or
// behind every token of LFM2's, dense_2. Their folder is a name below the file's `path`.
std::vector<DenseModule> gguf_dense_modules(const gguf::File& file,
                                            const std::filesystem::path& path);

// Whether every token of a text has a vector: LFM2-ColBERT, which says nothing of a pooling.
bool gguf_is_late_interaction(const gguf::File& file);
// How such models read queries and documents, in the words of config_sentence_transformers.json:
// no file says it.
json::object gguf_late_interaction_json();

}  // namespace vecton::checkpoint
