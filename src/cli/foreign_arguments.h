// From the command line that was typed, in this program's spelling or another's, to this program's
// own arguments: underscores for hyphens, --NAME.key value for JSON, options of
// foreign_options.h's table, vLLM's --config FILE, variables of the environment.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/foreign_options.h"

namespace CLI {
class App;
}

namespace vecton::cli {

struct OwnArguments {
  Arguments arguments;                         // for `app` to parse
  std::vector<std::string> notes;              // what was taken and changes nothing, a line each
  std::map<std::string, std::string> origins;  // of options: the variable that gave them
};

// The value of a variable of the environment; null where it is not set.
using Environment = std::function<const char*(const std::string& name)>;

// Failure (kUsage) for an option that nobody knows, lacks its value or asks for what is refused.
// With `environment` the variables of other programs count as well, less than the command line.
OwnArguments own_arguments(const CLI::App& app, const Arguments& typed,
                           const Environment& environment = {});

}  // namespace vecton::cli
