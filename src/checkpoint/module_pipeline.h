// ModulePipeline: the modules of a sentence-transformers folder that a text goes through, in the
// order of modules.json. Read once, when a model is opened; a plain value.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "checkpoint/modules.h"
#include "checkpoint/router.h"

namespace vecton::checkpoint {

struct ModulePipeline {
  InputModule input;
  std::optional<WeightedLayerPooling> layer_pooling;
  std::vector<RowModule> token_modules;  // of every token's row, before the pooling
  std::optional<PoolingModule> pooling;
  std::vector<RowModule> vector_modules;  // of the pooled vector, or of a SpladePooling's
  bool dense_scores = false;              // the last Dense gives the scores of a cross-encoder
  std::optional<SpladePooling> splade;
  std::optional<MultiVectorMask> mask;
  std::optional<LogitScore> logit_score;

  // Modules in an order that gives nothing, or that are not computed, are refused by name
  // (kUnsupported); widths of neighbours that differ are kCorrupt.
  static ModulePipeline read(std::span<const ModuleReference> modules, Notes& notes);

  // What comes out of it.
  bool gives_scores() const;
  bool gives_sparse() const;
};

// Whether the class is sentence-transformers' Router, which is no step of a pipeline itself.
bool is_router(const std::string& type);

// What a file of modules asks for is not computed (kUnsupported).
[[noreturn]] void refuse_module(const std::string& file, const std::string& message);

// Refuses classes that are not computed, saying what they stand for.
void check_class(const ModuleReference& module);

// A Normalize that comes last is taken off: requests may ask for vectors without it.
bool take_last_normalize(std::vector<RowModule>& modules);

}  // namespace vecton::checkpoint
