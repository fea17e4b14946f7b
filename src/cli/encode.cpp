// vecton encode: every text's tensor, whatever its shape, into one safetensors file.
#include <CLI/App.hpp>
#include <unordered_set>

#include "cli/answers.h"
#include "cli/arguments.h"
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

struct EncodeCommandOptions {
  EngineOptions engine;
  RequestOptions request;
  InputOptions input;
  std::string task, output;
};

constexpr const char* kHiddenStates = "hidden_states";

// The shape of a task's tensor. Weights of tokens stand in a row of the whole vocabulary.
std::vector<int64_t> shape_of(Task task, const Numbers& numbers) {
  if (task == Task::kScore) return {};
  const bool rows = task == Task::kTokenEmbed || task == Task::kTokenClassify;
  if (rows) return {numbers.rows, numbers.columns};
  return {static_cast<int64_t>(numbers.values.size())};
}

// Weights of all tokens of the vocabulary.
Vectors dense_of(const SparseVector& sparse, int64_t vocab_size) {
  Vectors dense{.rows = 1, .columns = vocab_size};
  dense.values.resize(static_cast<size_t>(vocab_size));
  for (size_t i = 0; i < sparse.values.size(); ++i)
    dense.values.at(static_cast<size_t>(sparse.ids[i])) = sparse.values[i];
  return dense;
}

// Hidden states are the token embeddings of the backbone alone.
Task task_of(EncodeCommandOptions& options) {
  if (options.task != kHiddenStates) return *task_from_string(options.task);
  options.engine.runner = "pooling";
  options.engine.convert = "embed";
  options.request.no_normalize = true;
  return Task::kTokenEmbed;
}

void encode(EncodeCommandOptions& options) {
  if (!can_replace(options.output)) {
    throw Failure(ExitStatus::kUsage, options.output + ": --output must name a file");
  }
  const Task task = task_of(options);
  const Request like = options.request.request(task);
  if (task == Task::kScore && options.input.pair.empty()) options.input.pair = "document";
  const auto reader = read_file(options.input);
  const auto engine = open_engine(options.engine);
  require_task(*engine, task);
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
                      request.prompt.input = record.input;
                      if (auto* score = std::get_if<Score>(&request.task))
                        score->document = record.pair;
                      if (auto* classes = std::get_if<Classify>(&request.task))
                        classes->pair = record.pair;
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
                      if (const auto* sparse = std::get_if<SparseVector>(&result.answer))
                        result.answer = dense_of(*sparse, engine->info().vocab_size);
                      const Numbers numbers = numbers_of(result.answer);
                      spool.add({name, shape_of(task, numbers)}, numbers.values);
                      progress.update(++rows, record.share);
                    }});
  spool.finish({{"model", options.engine.model}, {"task", options.task}});
}

}  // namespace

std::function<void()> define_encode(CLI::App& app) {
  auto options = std::make_shared<EncodeCommandOptions>();
  add_engine_options(app, options->engine);
  app.add_option(
         "--task", options->task,
         "embed: one vector per text; token_embed: one per token; sparse_embed: a weight per token "
         "of the vocabulary; classify, token_classify: a number per label, of each token; score: "
         "one number per pair; hidden_states: the backbone's last states, before any pooling or "
         "head")
      ->required()
      ->type_name("TASK")
      ->check(one_of({"embed", "token_embed", "sparse_embed", "classify", "token_classify", "score",
                      kHiddenStates}));
  add_input_options(app, options->input);
  app.get_option("--input")->required();
  app.add_option("--pair-field", options->input.pair,
                 "Field or column of a second text: score's document [document], or a pair to "
                 "classify")
      ->type_name("NAME");
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
