// The options of vecton serve, apart from running it.
#pragma once

namespace CLI {
class App;
}

namespace vecton {
struct ServerOptions;
}

namespace vecton::cli {

void add_serve_options(CLI::App& app, ServerOptions& options);

}  // namespace vecton::cli
