// The model families of this build. registry.cpp alone names them all.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "base/json_fwd.h"
#include "checkpoint/config.h"
#include "models/family.h"

namespace vecton::models {

std::span<const Family* const> model_families();

// The family of config.json's architectures, else, of a class that nobody knows, of its model_type.
// Errors name both and the families there are.
const Family& find_family(const checkpoint::Config& config);

// The family of config.json's model_type; null where there is none.
const Family* family_of_type(std::string_view model_type);

// Of a checkpoint that has no config.json: see Family::config.
checkpoint::Config config_without_file(const std::filesystem::path& folder,
                                       const json::object& overrides);

}  // namespace vecton::models
