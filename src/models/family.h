// Family: all that the program knows of the models of one architecture and its relatives. Each
// family's own file ends with its row; registry.cpp lists them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "base/json_fwd.h"
#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/labels.h"
#include "checkpoint/weights.h"
#include "models/image_input.h"
#include "models/list.h"
#include "models/model.h"
#include "models/rerank_prompt.h"
#include "ops/ops.h"

namespace vecton::models {

struct Architecture {
  std::string_view name;  // of config.json's architectures
  checkpoint::HeadKind head = checkpoint::HeadKind::kNone;
  int64_t default_labels = checkpoint::kDefaultLabels;  // where config.json does not count them
  // Ends a step of a text; only such tokens have an answer. Empty = all have.
  std::string_view step_token = {};
  bool late_interaction = false;  // a vector per token, through `linear` (ColBERT)
};

// A head that a checkpoint has when it has all these tensors. The last has a row per label.
struct HeadSign {
  checkpoint::HeadKind head = checkpoint::HeadKind::kNone;
  List<std::string_view, 2> tensors = {};
};

// What tells a family's checkpoints, and what is in them, by the names of their tensors.
struct TensorNames {
  std::string_view words;                   // every checkpoint has it
  List<std::string_view, 6> prefixes = {};  // may stand before all names but those of heads
  List<HeadSign, 2> classifiers = {};       // the first that is there counts
};

// Generative models of the family that judge a query and a document.
struct Reranker {
  RerankPrompt prompt;
  // Only their names tell them from the models that they were made of: they have this in them.
  std::string_view name_part;
  std::string_view config_key;  // of config.json: whether `prompt` is what a checkpoint reads
};

// Generative models of the family that embed: what their chat template is given.
struct EmbeddingPrompt {
  std::string_view instruction;  // of the system, where the request has none
  std::string_view nothing;      // the user's text where there is neither a text nor an image
  std::string_view name_part;    // as Reranker::name_part
};

// Models whose card says that their vectors may be shortened.
struct MatryoshkaCard {
  std::string_view name;        // what the model's own name begins with, in lower case
  List<int64_t, 6> sizes = {};  // beside the full one; empty = any from `least` on
  int64_t least = 1;
};

// Where the experts of a layer lie, below the layer's MLP.
struct MlxExperts {
  // Of one expert, below experts.0, experts.1 and so on.
  std::string_view gate = "gate_proj", up = "up_proj", down = "down_proj";
  // Of all in one: [experts, 2 width, hidden], gate over up, and [experts, hidden, width].
  std::string_view gate_up = "experts.gate_up_proj", all_down = "experts.down_proj";
  // Where MLX has gate_proj.weight, up_proj.weight and down_proj.weight of all.
  std::string_view place = "switch_mlp";
  // Rows of gate_up are gate and up in turn; dense ones have their inputs first, [experts, hidden,
  // 2 width]; and there are biases, "_bias" behind the names (OpenAI's form).
  bool interleaved = false;
};

struct MlxName {
  std::string_view own, mlx;
};

// What MLX's libraries do with checkpoints of a family, where it is not what they do with all.
struct MlxRules {
  // mlx-embeddings: how it pools, whether it has code for the family's generative models, and
  // whether it drops their lm_head.
  ops::Pooling pooling = ops::Pooling::kMean;
  bool embeds_generative = false, drops_lm_head = false;
  // What it puts before names of the backbone's tensors, unless the architecture is one of these.
  std::string_view backbone_prefix = {};
  List<std::string_view, 2> without_prefix = {};
  // mlx-embeddings: the last layer of masked language models, which it writes with the table of
  // words that it is tied to.
  std::string_view tied_head = {};
  // Both: a layer's experts become one tensor each for gate, up and down; kv_b_proj of latent
  // attention becomes embed_q, what a query is taken through, and unembed_out, what gives values;
  // a convolution of this name has its channels last, and then norms with these endings have the 1
  // that the model's code adds to them.
  std::optional<MlxExperts> experts = {};
  bool latent_heads = false;
  std::string_view convolution = {};
  List<std::string_view, 5> plus_one = {};
  // mlx-lm: what the names of layers end with that have 8 bits, whatever was chosen for all, and of
  // those that are no layers there and stay floats; tensors that keep their type, by a part of
  // their names.
  List<std::string_view, 4> eight_bits = {};
  List<std::string_view, 1> floats = {};
  List<std::string_view, 1> uncast = {};
  // Parts of names that it has others for.
  List<MlxName, 3> names = {};
  // Experts in MXFP4 stay so, whatever was chosen for all.
  bool keeps_mxfp4 = false;
  // Models of these types are the part "language_model" of others that mlx-lm does not compute,
  // whose names begin so, after "model."; it leaves them out.
  List<std::string_view, 3> language_model = {};
  List<std::string_view, 8> other_parts = {};
  // Parts of the last num_kv_shared_layers layers that it leaves out.
  List<std::string_view, 3> of_own_keys = {};
};

struct Family {
  std::string_view name;                              // "bert"
  List<std::string_view, 4> model_types;              // config.json's model_type
  List<Architecture, 24> architectures;               // the first is the backbone
  ops::Pooling default_pooling = ops::Pooling::kCls;  // of embeddings, where no file says
  TensorNames tensors = {};
  ModelShape (*shape)(const checkpoint::Config& config) = nullptr;
  // Takes the backbone's tensors from `weights` and skips those of heads.
  std::unique_ptr<Model> (*load)(const checkpoint::Config& config,
                                 checkpoint::Weights weights) = nullptr;
  // Takes a head's tensors, after load() has renamed them. Null where no architecture has a head
  // that is computed; kCausalLm is then as its rows give it.
  checkpoint::HeadWeights (*head)(const checkpoint::Config& config, checkpoint::HeadKind kind,
                                  int64_t labels, const checkpoint::Weights& weights) = nullptr;
  // Of checkpoints without a config.json: what it would say, as their weights in `folder` show.
  // `overrides` is laid over it.
  checkpoint::Config (*config)(const std::filesystem::path& folder,
                               const json::object& overrides) = nullptr;
  std::optional<Reranker> reranker = {};
  // Of checkpoints that read images; nothing where config.json has no vision tower. Null = none
  // has.
  std::optional<ImageInput> (*images)(const checkpoint::Config& config) = nullptr;
  // What a prompt of a text-and-image embedder says first where nothing else is asked for, and what
  // it has in place of nothing (Qwen3-VL-Embedding).
  std::optional<EmbeddingPrompt> embedding_prompt = {};
  List<MatryoshkaCard, 8> matryoshka = {};
  MlxRules mlx = {};

  // Null where it is none of this family's.
  const Architecture* find(std::string_view architecture) const;
  // kNone where find() gives null.
  checkpoint::HeadKind head_of(std::string_view architecture) const;
  // The architecture with this head that is named first; null where there is none.
  const Architecture* with_head(checkpoint::HeadKind head) const;
  bool knows(std::string_view architecture) const { return find(architecture) != nullptr; }
  // Where config.json does not count them.
  int64_t default_labels(const checkpoint::Config& config) const;
};

}  // namespace vecton::models
