// The model families of this build. registry.cpp alone names them all.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/model.h"
#include "ops/ops.h"

namespace vecton {

struct Family {
  std::string_view name;                      // "bert"
  std::vector<std::string_view> model_types;  // config.json's model_type
  std::vector<std::string_view>
      architectures;  // served without being asked: the backbone is what the checkpoint is for
  // Architectures with a head beyond the backbone: served as embedders when sentence-transformers
  // files or --convert embed say so, refused otherwise.
  std::vector<std::string_view> headed_architectures;
  Pooling default_pooling;  // where no file says
  ModelShape (*shape)(const Config& config);
  // Takes the backbone's tensors from `weights` and skips those of heads.
  std::unique_ptr<Model> (*load)(const Config& config, Weights weights);
};

std::span<const Family> model_families();

// The family of config.json's architectures and model_type. Errors name both and the families there
// are.
const Family& find_family(const Config& config);

}  // namespace vecton
