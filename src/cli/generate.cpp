// vecton generate: prompts in, what the model writes after them out.
#include <CLI/App.hpp>
#include <cstdio>
#include <future>
#include <optional>

#include "cli/answers.h"
#include "cli/arguments.h"
#include "cli/chat_history.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/job.h"
#include "cli/json_text.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/resumable_run.h"
#include "cli/sampling_options.h"
#include "cli/terminal.h"
#include "engine/best_of.h"

namespace vecton::cli {

namespace {

struct GenerateOptions {
  EngineOptions engine;
  InputOptions input;
  Generate generate;
  std::vector<std::string> prompts;
  std::string output;
  int64_t n = 1;
  std::optional<int64_t> best_of;
  bool json = false, chat = false, overwrite = false, quiet = false;
};

// More than the answers are written: which they are is known when all are.
bool chooses(const GenerateOptions& options) { return options.best_of.value_or(0) > options.n; }

// A prompt with pictures is what a user says of them.
Request request_of(const GenerateOptions& options, const Record& record) {
  Request request{.prompt = {.input = record.input, .images = record.images},
                  .task = options.generate};
  const auto* text = std::get_if<std::string>(&record.input);
  if ((!options.chat && record.images.empty()) || !text) return request;
  ChatHistory turn("");
  turn.add("user", *text, record.images);
  Chat chat;
  chat.input.messages = turn.messages();
  chat.input.add_generation_prompt = true;
  request.prompt.input = std::move(chat);
  return request;
}

void append_json(std::string& out, int64_t index, const Record& record, const Result& result,
                 bool with_text) {
  const auto& generation = result.get<Generation>();
  append_json_head(out, index, record, with_text);
  out += ", \"completions\": [";
  for (const Completion& c : generation.completions) {
    out += &c == &generation.completions.front() ? "{\"text\": " : ", {\"text\": ";
    base::append_json_string(out, c.text);
    out += ", \"finish_reason\": \"" + std::string(to_string(c.finish_reason)) +
           "\", \"tokens\": " + std::to_string(c.token_ids.size()) + "}";
  }
  out += "], \"prompt_tokens\": " + std::to_string(result.usage.prompt_tokens) + "}\n";
}

// One prompt after the other, as the tokens come.
void stream(const GenerateOptions& options, Engine& engine, RecordReader& reader) {
  const InterruptGuard guard;
  Record record;
  while (reader.next(record)) {
    Request request = request_of(options, record);
    const bool chosen = chooses(options);
    request.on_delta = [chosen](const GenerationDelta& delta) {
      if (delta.index == 0 && !chosen) print(delta.text);
      return InterruptGuard::signal() == 0;
    };
    Result result = engine.submit({std::move(request)}).get().front();
    auto& generation = result.get<Generation>();
    if (chosen) {
      engine::keep_best(generation, options.n);
      print(generation.completions.front().text);
    }
    for (size_t i = 1; i < generation.completions.size(); ++i)
      print("\n---\n" + generation.completions[i].text);
    print("\n");
    InterruptGuard::check();
    if (options.quiet || !stderr_is_terminal()) continue;
    const auto tokens = static_cast<double>(generation.completions.front().token_ids.size());
    std::fprintf(stderr, "%.0f tokens, first after %.2f s, then %.1f tokens/s\n", tokens,
                 generation.time_to_first_token,
                 generation.generation_time > 0 ? (tokens - 1) / generation.generation_time : 0);
  }
}

void generate(GenerateOptions& options) {
  options.generate.n = options.n;
  if (options.best_of && *options.best_of < options.n)
    throw Error(ErrorCode::kInvalidArgument, "--best-of: expected as much as -n, or more");
  if (chooses(options)) {
    options.generate.n = *options.best_of;
    options.generate.logprobs = 0;
  }
  const bool lines = options.json || !options.input.path.empty() || !options.output.empty();
  const auto reader = read_input(std::move(options.prompts), options.input);
  const auto engine = open_engine(options.engine);
  require_task(*engine, Task::kGenerate);
  if (!lines) return stream(options, *engine, *reader);
  const bool with_text = options.input.path.empty();
  ResumableRun run(
      *engine, *reader,
      {.request = [&](const Record& record) { return request_of(options, record); },
       .append =
           [&](std::string& out, int64_t index, const Record& record, Result&& result) {
             if (chooses(options)) engine::keep_best(result.get<Generation>(), options.n);
             append_json(out, index, record, result, with_text);
           },
       .window = {.batch = 1, .ahead = static_cast<size_t>(options.engine.max_num_seqs)},
       .one = "answer",
       .quiet = options.quiet});
  json::object job = job_of(options.generate);
  job["n"] = options.n;
  job["best_of"] = options.generate.n;
  job["chat"] = options.chat;
  job["with_text"] = with_text;
  run.to(options.output, options.overwrite, options.engine, std::move(job));
}

}  // namespace

std::function<void()> define_generate(CLI::App& app) {
  auto options = std::make_shared<GenerateOptions>();
  options->engine.runner = "generate";
  add_engine_options(app, options->engine);
  add_speculative_options(app, options->engine);
  add_texts(app, "PROMPT", options->prompts, "Texts that the model goes on with");
  add_input_options(app, options->input);
  add_image_options(app, options->input, options->prompts);
  add_sampling_options(app, options->generate);
  app.add_option("-n,--n", options->n, "Answers to each prompt [1]")
      ->type_name("N")
      ->transform(within(1, 16384))
      ->group("Sampling");
  app.add_option("--best-of", options->best_of,
                 "Write so many, and answer the -n likeliest per token [-n]")
      ->type_name("N")
      ->transform(within(1, 16384))
      ->group("Sampling");
  app.add_flag("--chat", options->chat,
               "A prompt is what a user says: it goes through the chat template");
  app.add_option("-o,--output", options->output,
                 "File for JSON lines; it appears when it is whole [standard output]")
      ->type_name("FILE");
  app.add_flag("--json", options->json, "Print JSON lines; so it is with --input");
  app.add_flag("--overwrite,--no-resume", options->overwrite,
               "Start again instead of going on with an interrupted run");
  app.add_flag("-q,--quiet", options->quiet, "No progress bar and no notes");
  app.footer(
      "Examples:\n"
      "  vecton generate MODEL \"Once upon a time\" --max-tokens 50\n"
      "  vecton generate MODEL --chat \"Why is the sky blue?\" --temperature 0\n"
      "  vecton generate MODEL --image page.png \"What does the page say?\"\n"
      "  vecton generate MODEL --input prompts.jsonl --output answers.jsonl --seed 1\n"
      "\nAn interrupted run with --output goes on where it was when the same command is given "
      "again.");
  return [options] { generate(*options); };
}

}  // namespace vecton::cli
