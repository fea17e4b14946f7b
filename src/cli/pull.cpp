// vecton pull: a model into the hub cache, so that its name works without the network.
#include <CLI/App.hpp>

#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "vecton/options.h"

namespace vecton::cli {

std::function<void()> define_pull(CLI::App& app) {
  struct Options {
    std::string model;
    HubOptions hub = HubOptions::from_environment();
  };
  auto options = std::make_shared<Options>();
  add_hub_options(app, options->model, options->hub);
  app.footer(
      "Examples:\n"
      "  vecton pull sentence-transformers/all-MiniLM-L6-v2\n"
      "  vecton pull Qwen/Qwen3-Embedding-0.6B --revision main\n"
      "\nPrints the folder. A broken download goes on where it stopped; files are checked.");
  return [options] {
    std::string folder;
    {
      DownloadBar bar(stderr_is_terminal());
      folder = pull_model(options->model, options->hub, [&](const DownloadProgress& progress) {
                 bar.update(progress);
               }).string();
    }
    print(folder + "\n");
  };
}

}  // namespace vecton::cli
