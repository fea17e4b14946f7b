// The options of vecton serve, apart from running it.
#pragma once

namespace CLI {
class App;
}

namespace vecton::server {
struct ModelOptions;
struct ServerOptions;
}  // namespace vecton::server

namespace vecton::cli {

void add_serve_options(CLI::App& app, server::ServerOptions& options);
// MODEL and the options that each of several models may have of its own.
void add_model_options(CLI::App& app, server::ModelOptions& options);

}  // namespace vecton::cli
