// Quantising a float checkpoint while it is opened, to the numbers that a converted one would have.
// Called by the plan of a model.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "checkpoint/quantised/quantisation.h"

namespace vecton::convert {

// Whether `name` is one of a form to quantise to: "mlx-affine...", "mxfp4", "nvfp4", "mxfp8".
bool quantises_to(std::string_view name);

// `name` as in EngineOptions::quantization; `config` is the model's config.json, `threads` as in
// EngineOptions. Error (kInvalidArgument) for a name that is not known.
std::shared_ptr<const checkpoint::Quantisation> quantise_while_opening(const std::string& name,
                                                                       json::object config,
                                                                       int threads);

}  // namespace vecton::convert
