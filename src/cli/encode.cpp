// vecton encode: every text's array, whatever its shape, into one safetensors file.
#include <CLI/CLI.hpp>
#include <unordered_set>

#include "cli/array_header.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/pipeline.h"
#include "cli/progress.h"
#include "cli/tensor_spool.h"
#include "cli/terminal.h"

namespace vecton::cli {

namespace {

struct EncodeOptions {
  EngineOptions engine;
  RequestOptions request;
  InputOptions input;
  std::string task, output;
};

constexpr const char* kHiddenStates = "hidden_states";

// Hidden states are the token embeddings of the backbone alone.
Task task_of(EncodeOptions& options) {
  if (options.task != kHiddenStates) return *task_from_string(options.task);
  options.engine.runner = "pooling";
  options.engine.convert = "embed";
  options.request.no_normalize = true;
  return Task::kTokenEmbed;
}

void encode(EncodeOptions& options) {
  if (!can_replace(options.output)) {
    throw Failure(ExitStatus::kUsage, options.output + ": --output must name a file");
  }
  const Task task = task_of(options);
  const Request like = options.request.request(task);
  const auto reader = read_file(options.input);
  const auto engine = open_engine(options.engine);
  const InterruptGuard guard;
  TensorSpool spool(options.output);
  Progress progress(stderr_is_terminal(), 0, 0);
  std::unordered_set<std::string> names;
  int64_t rows = 0;
  // A text's answer is large: few of them wait at once.
  const Window window{.batch = 8, .batch_bytes = 64 << 10, .ahead = 4};
  run_pipeline(*engine, *reader, window,
               {.request =
                    [&](const Record& record) {
                      Request request = like;
                      request.input = record.input;
                      return request;
                    },
                .result =
                    [&](const Record& record, Result&& result) {
                      const std::string name = record.id.value_or(std::to_string(rows));
                      if (!names.insert(name).second || name == "__metadata__") {
                        throw Failure(ExitStatus::kInput, reader->where(record) + ": the id \"" +
                                                              name +
                                                              "\" can't be used, or not twice");
                      }
                      std::vector<int64_t> shape{result.rows, result.columns};
                      if (task == Task::kEmbed) shape.erase(shape.begin());
                      spool.add({name, std::move(shape)}, result.values);
                      progress.update(++rows, reader->share());
                    }});
  spool.finish({{"model", options.engine.model}, {"task", options.task}});
}

}  // namespace

std::function<void()> define_encode(CLI::App& app) {
  auto options = std::make_shared<EncodeOptions>();
  add_engine_options(app, options->engine);
  app.add_option(
         "--task", options->task,
         "embed: one vector per text; token_embed: one per token; hidden_states: the backbone's "
         "last states, before any pooling or head")
      ->required()
      ->type_name("TASK")
      ->check(CLI::IsMember({"embed", "token_embed", kHiddenStates}));
  add_input_options(app, options->input);
  app.get_option("--input")->required();
  app.add_option("-o,--output", options->output,
                 "safetensors file, a tensor per text, named by its id")
      ->required()
      ->type_name("FILE");
  add_request_options(app, options->request);
  app.footer(
      "Examples:\n"
      "  vecton encode MODEL --task token_embed --input docs.jsonl --output docs.safetensors\n"
      "  echo '{\"id\": \"a\", \"input_ids\": [101, 7592, 102]}' |\n"
      "    vecton encode MODEL --task hidden_states --input - --input-format jsonl --output "
      "a.safetensors\n"
      "\nA JSON line has \"text\" or \"input_ids\", and may have an \"id\"; without one tensors "
      "are named 0, 1, 2...");
  return [options] { encode(*options); };
}

}  // namespace vecton::cli
