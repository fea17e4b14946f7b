// Options of a server for the pictures in its requests.
#pragma once

#include "vecton/options.h"

namespace CLI {
class App;
}

namespace vecton::cli {

void add_picture_options(CLI::App& app, EngineOptions& options);

}  // namespace vecton::cli
