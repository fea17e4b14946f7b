// LateInteraction: how a ColBERT-like checkpoint encodes queries and documents. Khattab and Zaharia
// 2020, arXiv:2004.12832. Read once, when a model is opened; a plain value.
//
// Two layouts: Stanford's (architecture HF_ColBERT or its kin, artifact.metadata, the projection
// linear.weight in the main file) and PyLate's (modules.json with Dense modules on tokens,
// config_sentence_transformers.json).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vecton {

// Whether config.json's architecture is a ColBERT of Stanford's layout: its model_type says of
// what.
bool is_colbert(std::string_view architecture);

struct LateInteraction {
  // Tokens put after the first special token of a text; empty = none.
  std::string query_marker, document_marker;
  int64_t query_length = 32, document_length = 0;  // tokens, all counted; 0 = the model's maximum
  bool expand_queries = true;         // queries are filled to query_length with the mask token
  bool attend_to_expansion = false;   // whether other tokens attend to the fill
  std::vector<std::string> skiplist;  // documents' tokens that get no vector
  bool linear_in_model = false;       // the projection is linear.weight of the main file

  // Of Stanford's layout; `folder` may have an artifact.metadata.
  static LateInteraction read_stanford(const std::filesystem::path& folder);
  // Of PyLate's layout.
  static LateInteraction read_pylate(const std::filesystem::path& folder);
};

}  // namespace vecton
