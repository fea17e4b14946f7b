// layer_types of config.json: which kind each layer of a model is.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/config.h"

namespace vecton::nn {

// One of `known` per layer; empty where the file names none. Errors name the key and the kind.
std::vector<std::string> layer_types(const checkpoint::Config& config, int64_t layers,
                                     std::initializer_list<std::string_view> known);

// Whether each layer sees a window of the tokens ("sliding_attention") or all of them
// ("full_attention"); `otherwise` decides for layer i where the file names none.
std::vector<bool> sliding_layers(const checkpoint::Config& config, int64_t layers,
                                 const std::function<bool(int64_t)>& otherwise);

}  // namespace vecton::nn
