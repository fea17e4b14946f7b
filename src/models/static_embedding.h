// Static embeddings: a token's vector is its row of a table, whatever stands around it (model2vec,
// sentence-transformers' StaticEmbedding), or its one weight (SparseStaticEmbedding).
#pragma once

#include <filesystem>
#include <memory>

#include "base/json_fwd.h"
#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/model.h"

namespace vecton::static_embedding {

// These checkpoints have no config.json that says anything: what it would say, from the header of
// the weights' file. `overrides` (--hf-overrides) is laid over it.
Config config_of(const std::filesystem::path& folder, const json::object& overrides);

ModelShape shape(const Config& config);
std::unique_ptr<Model> load(const Config& config, Weights weights);

}  // namespace vecton::static_embedding
