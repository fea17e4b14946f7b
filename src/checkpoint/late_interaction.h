// LateInteraction: how a ColBERT-like checkpoint encodes queries and documents. Khattab and Zaharia
// 2020, arXiv:2004.12832. Read once, when a model is opened; a plain value.
//
// Three layouts: Stanford's (architecture HF_ColBERT or its kin, artifact.metadata, the projection
// linear.weight in the main file), PyLate's (modules.json with Dense modules on tokens,
// config_sentence_transformers.json) and sentence-transformers' (MultiVectorEncoder: its prompts
// are text, MultiVectorMask and the Transformer's own file say the rest).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/safetensors.h"
#include "checkpoint/sentence_transformers.h"

namespace vecton::checkpoint {

// Whether config.json's architecture is a ColBERT of Stanford's layout, whatever the family: its
// model_type says of what.
bool is_colbert(std::string_view architecture);

// The numbers of a token's vector where the projection is in the model's own files, as the names
// and shapes of their tensors say; nothing where there is none.
std::optional<int64_t> projected_size(const Tensors& tensors);

struct LateInteraction {
  // Tokens put after the first special token of a text; empty = none.
  std::string query_marker, document_marker;
  int64_t query_length = 32, document_length = 0;  // tokens, all counted; 0 = the model's maximum
  bool expand_queries = true;         // queries are filled to query_length, or to fill_length
  int64_t fill_length = 0;            // 0 = query_length
  std::string fill_token;             // empty = the mask token, or the end of text
  bool attend_to_expansion = false;   // whether other tokens attend to the fill
  std::vector<std::string> skiplist;  // tokens that get no vector ...
  bool skip_in_queries = false, skip_in_documents = true;  // ... in texts of these roles
  std::vector<int64_t> keep_only;  // of documents only these have a vector; empty = all
  bool linear_in_model = false;    // the projection is linear.weight of the main file
  bool any_text = false;           // a text without a role is a document of any length

  // Of Stanford's layout; `folder` may have an artifact.metadata.
  static LateInteraction read_stanford(const std::filesystem::path& folder);
  // Of models that read images (ColPali): their prompts say the rest.
  static LateInteraction of_images();
  // Of the layouts with a modules.json, and of a GGUF file.
  static LateInteraction read_modules(const std::filesystem::path& folder,
                                      const SentenceTransformer& modules,
                                      const ModulePipeline& pipeline);
};

}  // namespace vecton::checkpoint
