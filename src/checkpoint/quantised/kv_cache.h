// A quantised cache of keys and values, which some checkpoints ask for: here the cache is kept as
// EngineOptions::kv_cache_dtype says, without scales. Called by the readers of formats that have
// one.
#pragma once

#include <string_view>

#include "checkpoint/config.h"
#include "checkpoint/quantised/quantisation.h"

namespace vecton::checkpoint {

// Reads the object's setting `key`, and notes it where there is one.
void read_kv_cache(const Config& config, std::string_view key, Quantisation& made);

// Takes the scales of keys, values, queries and probabilities out of the checkpoint, by the names
// that vLLM knows.
void drop_kv_cache_scales(Tensors& tensors);

}  // namespace vecton::checkpoint
