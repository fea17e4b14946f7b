// vecton embed: texts in, vectors out.
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>

#include "base/counted.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/job.h"
#include "cli/json_text.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/resumable_run.h"
#include "cli/vector_format.h"

namespace vecton::cli {

namespace {

struct EmbedOptions {
  EngineOptions engine;
  RequestOptions request;
  InputOptions input;
  FormatOptions format;
  std::vector<std::string> texts;
  std::string output;
  size_t batch = Window{}.batch;
  bool with_text = false, overwrite = false, quiet = false;
};

int64_t columns_of(const EmbedOptions& options, const ModelInfo& info) {
  return options.request.dimensions > 0 ? options.request.dimensions : info.embedding_size;
}

// What the bytes of the output depend on beside the model and the input.
json::object describe_job(const EmbedOptions& options) {
  json::object job = job_of(options.request);
  job["format"] = options.format.format;
  job["with_text"] = options.format.with_text;
  return job;
}

void embed(EmbedOptions& options) {
  options.format.format = vector_format_name(options.format.format, options.output);
  options.format.with_text = options.with_text || options.input.path.empty();
  options.format.model = options.engine.model;
  if (options.output == "-") options.output.clear();
  const bool stream = options.output.empty() || !can_replace(options.output);
  if (stream && vector_format(options.format)->needs_file()) {
    throw Failure(ExitStatus::kUsage, options.format.format +
                                          " can't be streamed: give --output FILE, or "
                                          "--output-format jsonl or csv");
  }
  const auto reader = read_input(std::move(options.texts), options.input);
  const auto engine = open_engine(options.engine);
  const auto format = vector_format(options.format);
  const int64_t columns = columns_of(options, engine->info());
  const Request like = options.request.request(Task::kEmbed);
  ResumableRun run(
      *engine, *reader,
      {.request =
           [&](const Record& record) {
             Request request = like;
             request.prompt.input = record.input;
             request.prompt.images = record.images;
             return request;
           },
       .append =
           [&](std::string& out, int64_t index, const Record& record, Result&& result) {
             format->append(out, index, record, result.get<Vectors>().values);
           },
       .head = [&](int64_t rows) { return format->head(rows, columns); },
       .window = {.batch = options.batch},
       .one = "vector",
       .of = " of " + base::counted(columns, "value"),
       .quiet = options.quiet});
  run.to(options.output, options.overwrite, options.engine, describe_job(options));
}

}  // namespace

std::function<void()> define_embed(CLI::App& app) {
  auto options = std::make_shared<EmbedOptions>();
  add_engine_options(app, options->engine);
  add_texts(app, "TEXT", options->texts, "Texts to embed");
  add_input_options(app, options->input);
  add_image_options(app, options->input, options->texts);
  app.add_option("-o,--output", options->output,
                 "File for the vectors; it appears when it is whole [standard output]")
      ->type_name("FILE");
  app.add_option("--output-format", options->format.format,
                 "Format of the output [by the file's ending, jsonl]")
      ->type_name("FORMAT")
      ->check(one_of({"jsonl", "npy", "safetensors", "csv"}));
  app.add_flag("--with-text", options->with_text, "jsonl and csv: put the text beside its vector");
  app.add_option("--batch", options->batch, "Texts handed to the engine at once [64]")
      ->type_name("N")
      ->transform(within(1, 65536));
  app.add_flag("--overwrite,--no-resume", options->overwrite,
               "Start again instead of going on with an interrupted run");
  app.add_flag("-q,--quiet", options->quiet, "No progress bar and no notes");
  add_request_options(app, options->request);
  app.footer(
      "Examples:\n"
      "  vecton embed MODEL \"a sentence\" \"another one\"\n"
      "  vecton embed MODEL --input texts.txt --output vectors.npy\n"
      "  vecton embed MODEL --input rows.csv --column title --output vectors.safetensors\n"
      "  cat docs.jsonl | vecton embed MODEL --input - --input-format jsonl --field body > "
      "vectors.jsonl\n"
      "  vecton embed MODEL --text \"what is on the page?\" --image page.png\n"
      "  vecton embed MODEL --prompt-name query --dimensions 256 \"who sleeps?\"\n"
      "\nAn interrupted run with --output goes on where it was when the same command is given "
      "again.");
  return [options] { embed(*options); };
}

}  // namespace vecton::cli
