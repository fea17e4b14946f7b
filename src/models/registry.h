// The model families of this build. registry.cpp alone names them all.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/model.h"
#include "ops/ops.h"

namespace vecton {

struct Architecture {
  std::string_view name;  // of config.json's architectures
  HeadKind head = HeadKind::kNone;
};

// A head that a checkpoint has when it has all these tensors. The last has a row per label.
struct HeadSign {
  HeadKind head = HeadKind::kNone;
  std::vector<std::string_view> tensors;
};

// What tells a family's checkpoints, and what is in them, by the names of their tensors.
struct TensorNames {
  std::string_view words;                  // every checkpoint has it
  std::vector<std::string_view> prefixes;  // may stand before all names but those of heads
  std::vector<HeadSign> classifiers;       // the first that is there counts
};

struct Family {
  std::string_view name;                      // "bert"
  std::vector<std::string_view> model_types;  // config.json's model_type
  std::vector<Architecture> architectures;
  Pooling default_pooling;  // of embeddings, where no file says
  ModelShape (*shape)(const Config& config);
  // Takes the backbone's tensors from `weights` and skips those of heads.
  std::unique_ptr<Model> (*load)(const Config& config, Weights weights);
  // Takes a head's tensors, after load() has renamed them. Null where no architecture has a head
  // that is computed; kCausalLm is then as its rows give it.
  HeadWeights (*head)(const Config& config, HeadKind kind, const Weights& weights) = nullptr;

  TensorNames tensors = {};

  // Of config.json's architecture; kNone where it names none.
  HeadKind head_of(std::string_view architecture) const;
  // The architecture with this head that is named first; null where there is none.
  const Architecture* with_head(HeadKind head) const;
  bool knows(std::string_view architecture) const;
};

std::span<const Family> model_families();

// The family of config.json's architectures, else, of a class that nobody knows, of its model_type.
// Errors name both and the families there are.
const Family& find_family(const Config& config);

}  // namespace vecton
