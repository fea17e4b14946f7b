// Plan: everything about serving a model that its small files and the options decide, before a
// weight is read.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/sentence_transformers.h"
#include "models/registry.h"
#include "vecton/hub.h"
#include "vecton/options.h"

namespace vecton {

struct Plan {
  std::string name;              // as the user gave it
  std::filesystem::path folder;  // of the checkpoint
  Config config;
  std::string architecture;
  const Family* family = nullptr;
  ModelShape shape;
  SentenceTransformer modules;
  std::vector<Pooling> pooling;  // never empty
  bool normalize = true;
  std::vector<DenseModule> dense;
  int64_t embedding_size = 0;
  int64_t max_model_len = 0;  // tokens; 0 = nothing but the position table limits it
  bool matryoshka = false;
  std::vector<int64_t> matryoshka_dimensions;
};

// Finds the model and decides. Errors name the option or the key of a file.
Plan make_plan(const EngineOptions& options,
               const std::function<void(const DownloadProgress&)>& progress);

}  // namespace vecton
