// What clients are told of where a model lies: its name on the hub or the one it is served by, and
// never a path of this machine.
#pragma once

#include <string>
#include <string_view>

#include "server/server.h"

namespace vecton::server {

// The name of the model in answers and messages: the hub's, or of a folder or GGUF file the first
// name that it is served by, else its own name.
std::string public_name(const ModelOptions& options);

// NAME of NAME:latest, which Ollama's clients say for NAME; any other name as it is.
std::string_view without_tag(std::string_view name);

// `text` with `name` in the place of the paths of the model's folder, as it was given and as it was
// found.
std::string without_paths(std::string text, const std::string& given, const std::string& found,
                          const std::string& name);

}  // namespace vecton::server
