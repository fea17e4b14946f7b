// The options that commands with a MODEL share, and opening it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "vecton/vecton.h"

namespace CLI {
class App;
}

namespace vecton::cli {

// MODEL and where it is looked for: --revision, --cache, --offline.
void add_hub_options(CLI::App& app, std::string& model, HubOptions& hub);

// The above, and how the model is run: --threads, --dtype, --max-model-len, ... with vLLM's names.
void add_engine_options(CLI::App& app, EngineOptions& options);
// --speculative-config, of commands that generate.
void add_speculative_options(CLI::App& app, EngineOptions& options);

// Prompt and vector options of a request.
struct RequestOptions {
  std::string prompt_name, prompt;
  bool has_prompt = false;  // --prompt was given, maybe empty
  int64_t dimensions = 0;
  bool normalize = false, no_normalize = false, truncate = false;
  std::string role;  // query or document

  // A request for `task` that asks for all of it.
  Request request(Task task) const;

 private:
  void set_activation(TaskParameters& task) const;
};
void add_request_options(CLI::App& app, RequestOptions& options);

// Opens the model; a download shows its progress on a terminal.
std::unique_ptr<Engine> open_engine(const EngineOptions& options);
// The model's folder.
std::filesystem::path find_model(const std::string& model, const HubOptions& hub);

}  // namespace vecton::cli
