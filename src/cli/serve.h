// The options of vecton serve, apart from running it.
#pragma once

namespace CLI {
class App;
}

namespace vecton::server {
struct ServerOptions;
}

namespace vecton::cli {

void add_serve_options(CLI::App& app, server::ServerOptions& options);

}  // namespace vecton::cli
