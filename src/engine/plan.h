// Plan: everything about serving a model that its small files and the options decide, before a
// weight is read.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "checkpoint/adapter.h"
#include "checkpoint/config.h"
#include "checkpoint/labels.h"
#include "checkpoint/late_interaction.h"
#include "checkpoint/quantised/quantisation.h"
#include "checkpoint/sentence_transformers.h"
#include "heads/label_activation.h"
#include "models/registry.h"
#include "ops/compute.h"
#include "vecton/options.h"
#include "vecton/tokenizer.h"
#include "vecton/vecton.h"

namespace vecton::engine {

enum class Scorer { kNone, kCrossEncoder, kLateInteraction, kBiEncoder };

// "", "cross-encoder", "late-interaction", "bi-encoder".
const char* to_string(Scorer scorer);

// Texts longer than the model's maximum are cut into pieces, and the mean of the pieces' vectors is
// taken, weighted by their lengths.
struct ChunkedProcessing {
  bool enabled = false;
  int64_t max_embed_len = 0;  // tokens of a text; 0 = any number
};

struct Plan {
  std::string name;               // as the user gave it
  std::filesystem::path folder;   // of the checkpoint
  std::filesystem::path weights;  // the folder of the transformer's, and of its config.json
  std::optional<checkpoint::Adapter> adapter;  // merged into them
  checkpoint::Config config;
  std::shared_ptr<const checkpoint::Quantisation> quantisation;  // of the weights; null = dense
  std::string architecture;
  const models::Family* family = nullptr;
  models::ModelShape shape;
  checkpoint::SentenceTransformer modules;
  std::filesystem::path tokenizer;            // folder of the tokenizer's files
  std::optional<std::string> default_prompt;  // instead of modules' default_prompt_name
  checkpoint::ModulePipeline pipeline;        // the one of modules.pipelines that this plan is for
  TokenizerOptions tokenizer_options;
  ops::Compute compute = ops::Compute::kFloat32;  // of the backbone's linear layers

  std::vector<Task> tasks;  // never empty; the first is what the checkpoint is for
  checkpoint::HeadKind head =
      checkpoint::HeadKind::kNone;  // what is computed on top of the backbone
  std::vector<checkpoint::Label> labels;
  heads::LabelActivation activation = heads::LabelActivation::kIdentity;
  bool activation_named = false;  // by sentence-transformers' keys
  Scorer scorer = Scorer::kNone;
  std::optional<checkpoint::LateInteraction> late_interaction;
  // A causal model's logits of these are the score: one, or the difference of two (no, yes).
  std::vector<std::string> classifier_from_token;
  std::vector<int64_t> choice_token_ids;  // the same by id
  std::optional<models::RerankPrompt> rerank_prompt;
  std::optional<models::ImageInput> images;  // nothing = the model reads none
  int64_t max_images = 0;                    // of one request
  std::string mm_processor_kwargs;           // JSON object over its image processor's keys
  std::optional<models::EmbeddingPrompt> embedding_prompt;
  bool side_heads = false;  // layers in files beside the model: checkpoint/side_heads.h
  bool step = false;        // only tokens with step_tag_id have an answer
  std::optional<int64_t> step_tag_id;
  std::vector<int64_t> returned_token_ids;

  // Of embeddings.
  std::optional<checkpoint::WeightedLayerPooling> layer_pooling;
  std::vector<checkpoint::RowModule> token_modules;  // before the pooling
  std::vector<ops::Pooling> pooling;                 // never empty
  std::vector<checkpoint::RowModule>
      vector_modules;  // after it, without a Normalize that comes last
  bool normalize = true, normalize_tokens = false;
  std::optional<int64_t> default_dimensions;  // pooler_config's, of requests that name none
  int64_t embedding_size = 0;                 // of what is answered
  int64_t full_embedding_size = 0;            // before it is cut to truncate_dim
  ChunkedProcessing chunked;
  int64_t max_model_len = 0;  // tokens; 0 = nothing but the position table limits it
  // Tokens of a text whose role has a length of its own, which stands above max_seq_length.
  int64_t max_role_len = 0;
  tensor::DType kv_cache_dtype = tensor::DType::kF32;
  bool matryoshka = false;
  std::vector<int64_t> matryoshka_dimensions;  // empty = any from matryoshka_least on
  int64_t matryoshka_least = 1;

  std::vector<std::string> notes;  // what the user should hear of: defaults taken, names not known

  bool generates() const;
  // Whether a text's role changes more than its prompt: see ModelInfo::roles.
  bool tells_roles_apart() const;
};

// Finds the model and decides: a plan per pipeline of modules.json, the first for texts without a
// role. Errors name the option or the key of a file.
std::vector<Plan> make_plans(const EngineOptions& options,
                             const std::function<void(const DownloadProgress&)>& progress);

// The parts of make_plans() that decide what is computed on top of the backbone (plan_head.cpp) ...
void decide_head(const EngineOptions& options, Plan& plan);
// ... and what --pooler-config changes of it.
void apply_pooler_config(const json::object& pooler, Plan& plan);

}  // namespace vecton::engine
