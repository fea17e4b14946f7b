// Sizes of config.json that must fit together. Errors name the keys.
#pragma once

#include <cstdint>
#include <string_view>

#include "checkpoint/config.h"

namespace vecton::models {

void check_multiple(const checkpoint::Config& config, std::string_view key, int64_t value,
                    std::string_view of_key, int64_t of);

// config[hidden] / config[heads], the columns of a head where all have an equal part.
int64_t equal_heads(const checkpoint::Config& config, std::string_view hidden,
                    std::string_view heads);

}  // namespace vecton::models
