// What a sentence-transformers folder says beside the transformer: modules.json with the files of
// its modules, config_sentence_transformers.json. Of any version of the library. Read once, when a
// model is opened; a plain value.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/module_pipeline.h"

namespace vecton::checkpoint {

// How two texts are compared by their vectors (similarity_fn_name). Distances are negative, so that
// more is closer.
enum class Similarity { kCosine, kDot, kEuclidean, kManhattan, kMaxSim, kMeanMaxSim };

// "cosine", "dot", "euclidean", "manhattan", "maxsim", "meanmaxsim".
const char* to_string(Similarity similarity);

struct SentenceTransformer {
  bool present = false;    // there is a modules.json
  std::string model_type;  // "SentenceTransformer", "CrossEncoder", ...; empty = no file says

  // Never empty. A Router gives several, one per route; all have the same settings below.
  std::vector<ModulePipeline> pipelines;
  // The pipeline of a text by its role, vecton's Role: none, query, document. -1 = there is none.
  std::array<int, 3> pipeline_of_role{0, 0, 0};

  std::vector<std::pair<std::string, std::string>> prompts;
  std::optional<std::string> default_prompt_name;
  Similarity similarity = Similarity::kCosine;
  std::optional<int64_t> truncate_dim;  // vectors are cut to so many values, whatever is done last
  std::optional<int64_t> max_active_dims;  // of sparse vectors: only the largest values
  std::string activation_fn;               // of a cross-encoder's scores; empty = no file says
  std::vector<std::string> notes;          // keys that nobody knows

  // Whether the pipeline gives a vector per token: ColBERT and its kin.
  bool is_late_interaction(const ModulePipeline& pipeline) const;

  // Reads `folder`. A module of another class is refused by name (kUnsupported). `dense_path` is
  // the folder in it of the one Dense module, instead of what modules.json says; empty = as it
  // says.
  static SentenceTransformer read(const std::filesystem::path& folder,
                                  const std::string& dense_path = "");
};

}  // namespace vecton::checkpoint
