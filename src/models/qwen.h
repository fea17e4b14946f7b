// Qwen2 (arXiv:2407.10671) and Qwen3 (arXiv:2505.09388): Llama with windows over some layers, and
// biases or norms of queries and keys.
#pragma once

#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/model.h"

namespace vecton::qwen2 {

ModelShape shape(const Config& config);
std::unique_ptr<Model> load(const Config& config, Weights weights);

}  // namespace vecton::qwen2

namespace vecton::qwen3 {

ModelShape shape(const Config& config);
std::unique_ptr<Model> load(const Config& config, Weights weights);

}  // namespace vecton::qwen3
