// The help text of a command.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace vecton::cli {

// Usage, arguments and options by group, wrapped to `width` columns, and the examples.
std::string command_help(const CLI::App& app, int width);

}  // namespace vecton::cli
