// The file of --models: the models of a server, with options of their own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "server/server.h"

namespace vecton::cli {

struct ModelsFile {
  std::vector<server::ModelOptions> models;  // at least one
  std::vector<std::string> notes;            // what was taken and changes nothing, a line each
};

// Reads YAML, or JSON from a file whose name ends in ".json": a list `models`, of which each has a
// `model` and options by the names of vecton serve, in any spelling that the command line takes.
// What a model leaves open is as `defaults` has it, but for its names. Failure (kUsage) names file,
// line and option.
ModelsFile read_models_file(const std::filesystem::path& file,
                            const server::ModelOptions& defaults);

// The body of /models/load as one of the file's models. Error (kInvalidArgument) names the option.
server::ModelOptions read_model(const json::object& body, const server::ModelOptions& defaults);

}  // namespace vecton::cli
