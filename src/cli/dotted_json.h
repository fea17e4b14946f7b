// JSON given in pieces on a command line: --pooler-config.task embed.
#pragma once

#include <string>

#include "base/json.h"

namespace vecton::cli {

// Lays `text` over `into`: the member at `path` ("rope_parameters.factor"; "labels+" appends what
// stands between commas), or with no path a whole object. A text that is no JSON is a string, or a
// number where it reads "8k". False when a whole object was expected and `text` is none.
bool merge_dotted(json::object& into, const std::string& path, const std::string& text);

}  // namespace vecton::cli
