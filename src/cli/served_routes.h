// What the server answers with a model: shown by vecton info.
#pragma once

#include <string>
#include <vector>

#include "vecton/vecton.h"

namespace vecton::cli {

// The routes of the tasks of `info`, each once, in the order of the tasks; docs/SERVER.md has what
// they answer.
std::vector<std::string> served_routes(const ModelInfo& info);

}  // namespace vecton::cli
