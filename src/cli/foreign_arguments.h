// From the command line that was typed, in this program's spelling or another's, to this program's
// own arguments: underscores for hyphens, --NAME.key value for JSON, options of
// foreign_options.h's table, vLLM's --config FILE, variables of the environment.
#pragma once

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
  std::map<std::string, std::string> origins;  // of options: what gave them, "--ctx" or "PORT"
};

// Variables of the environment by name.
using Environment = std::map<std::string, std::string>;

// Failure (kUsage) for an option that nobody knows, lacks its value or asks for what is refused.
// The variables of other programs in `environment` count as well, less than the command line.
// `program`: whose command line it is, where it says so (Program); 0 = any's.
OwnArguments own_arguments(const CLI::App& app, const Arguments& typed,
                           const Environment& environment = {}, unsigned program = 0);

}  // namespace vecton::cli
