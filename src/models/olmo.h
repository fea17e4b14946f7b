// OLMo 2 and 3, and EXAONE 4: decoders whose norms stand after attention and MLP, x += norm(f(x)).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/llama.h"

namespace vecton::models::olmo {

struct Settings {
  llama::Settings base;  // `rope` and `rotates` are of layers that see everything
  // Of layers with a window, where they turn otherwise.
  std::optional<nn::RopeOptions> local_rope;
};

std::unique_ptr<Model> build(const Settings& settings, const checkpoint::Config& config,
                             checkpoint::Weights weights);

}  // namespace vecton::models::olmo
