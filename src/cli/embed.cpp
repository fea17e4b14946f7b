// vecton embed: texts in, vectors out.
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "base/counted.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/fingerprint.h"
#include "cli/interrupt.h"
#include "cli/json_text.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/pipeline.h"
#include "cli/progress.h"
#include "cli/terminal.h"
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

// Everything that the bytes of the output depend on but the input.
json::object describe_job(const EmbedOptions& options, const ModelInfo& info) {
  const RequestOptions& request = options.request;
  const int64_t normalize = request.normalize ? 1 : request.no_normalize ? 0 : -1;
  return {{"version", version()},
          {"model", hex(fingerprint_folder(info.folder))},
          {"model options", options.engine.pooler_config + options.engine.hf_overrides +
                                options.engine.runner + options.engine.convert},
          {"max_model_len", info.max_model_len},
          {"dtype", info.dtype},
          {"backend", info.backend + " " + info.isa},
          {"prompt", json::object{{"name", request.prompt_name},
                                  {"text", request.prompt},
                                  {"given", request.has_prompt},
                                  {"role", request.role}}},
          {"dimensions", request.dimensions},
          {"normalize", normalize},
          {"truncate", request.truncate},
          {"format", options.format.format},
          {"with_text", options.format.with_text}};
}

// The run: where rows come from, what was done before, and where rows go.
class EmbedRun {
 public:
  EmbedRun(EmbedOptions& options, Engine& engine, RecordReader& reader)
      : options_(options),
        engine_(engine),
        reader_(reader),
        format_(vector_format(options.format)),
        columns_(columns_of(options, engine.info())) {}

  void to_stream(Output output) {
    output.buffer() += format_->head(0, columns_);
    try {
      run(output, [&] { output.flush(); });
    } catch (...) {  // what came before the error counts
      output.flush();
      throw;
    }
    output.flush();
  }

  void to_file() {
    PartialFile file(options_.output, describe_job(options_, engine_.info()), options_.overwrite);
    if (file.state().rows > 0) {
      skip(file.state());
    } else {
      file.buffer() += format_->head(0, columns_);
    }
    const auto save = [&] { file.save({rows_, hash_.value()}); };
    try {
      run(file, save);
    } catch (const Interrupted& interrupted) {
      save();
      throw Interrupted(interrupted.signal(), "interrupted; " + kept(file));
    } catch (const Failure& failure) {
      save();
      throw Failure(failure.status(), std::string(failure.what()) + "\n" + kept(file));
    }
    file.finish(format_->head(rows_, columns_));
  }

 private:
  std::string kept(const PartialFile& file) const {
    return format_count(rows_) + (rows_ == 1 ? " vector is" : " vectors are") + " safe in " +
           file.partial_path().string() + ": the same command goes on from there";
  }

  // Reads over the records that an earlier run finished and checks that they are the same.
  void skip(const PartialFile::State& state) {
    Record record;
    while (rows_ < state.rows && reader_.next(record)) {
      hash_.add(record);
      ++rows_;
    }
    if (rows_ < state.rows || hash_.value() != state.input_hash) {
      throw Failure(ExitStatus::kInput, options_.output +
                                            ".partial was left by a run over another input; "
                                            "--overwrite starts again");
    }
    if (!options_.quiet) {
      std::fprintf(stderr, "vecton: going on after %s\n", base::counted(rows_, "text").c_str());
    }
  }

  // Runs what is left into `sink`, and calls `save` now and then.
  template <typename Sink>
  void run(Sink& sink, const std::function<void()>& save) {
    using namespace std::chrono_literals;
    const bool results_on_terminal = options_.output.empty() && stdout_is_terminal();
    Progress progress(stderr_is_terminal() && !results_on_terminal && !options_.quiet, rows_,
                      reader_.share());
    auto saved = std::chrono::steady_clock::now();
    const Request like = options_.request.request(Task::kEmbed);
    const Window window{.batch = options_.batch};
    run_pipeline(engine_, reader_, window,
                 {.request =
                      [&](const Record& record) {
                        Request request = like;
                        request.prompt.input = record.input;
                        return request;
                      },
                  .result =
                      [&](const Record& record, Result&& result) {
                        format_->append(sink.buffer(), rows_, record, result.get<Vectors>().values);
                        hash_.add(record);
                        ++rows_;
                        cut_ += result.usage.truncated ? 1 : 0;
                        sink.written();
                        if (rows_ % 16 != 0) return;  // spare the clock
                        progress.update(rows_, record.share);
                        const auto now = std::chrono::steady_clock::now();
                        if (now - saved < 2s) return;
                        save();
                        saved = now;
                      },
                  .idle = save});
    progress.clear();
    summarize(progress.seconds());
  }

  void summarize(double seconds) const {
    if (cut_ > 0 && !options_.quiet) {
      std::fprintf(stderr, "vecton: %s %s cut to what the model takes\n",
                   base::counted(cut_, "text").c_str(), cut_ == 1 ? "was" : "were");
    }
    if (!stderr_is_terminal() || options_.output.empty() || options_.quiet) return;
    std::fprintf(stderr, "%s of %s in %s: %s\n", base::counted(rows_, "vector").c_str(),
                 base::counted(columns_, "value").c_str(), format_seconds(seconds).c_str(),
                 options_.output.c_str());
  }

  EmbedOptions& options_;
  Engine& engine_;
  RecordReader& reader_;
  std::unique_ptr<VectorFormat> format_;
  int64_t columns_, rows_ = 0, cut_ = 0;
  RecordHash hash_;
};

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
  const InterruptGuard guard;
  EmbedRun run(options, *engine, *reader);
  if (!stream) {
    run.to_file();
  } else if (options.output.empty()) {
    run.to_stream(Output());
  } else {
    run.to_stream(Output(open_for_writing(options.output), options.output));
  }
}

}  // namespace

std::function<void()> define_embed(CLI::App& app) {
  auto options = std::make_shared<EmbedOptions>();
  add_engine_options(app, options->engine);
  add_texts(app, "TEXT", options->texts, "Texts to embed");
  add_input_options(app, options->input);
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
      "  vecton embed MODEL --prompt-name query --dimensions 256 \"who sleeps?\"\n"
      "\nAn interrupted run with --output goes on where it was when the same command is given "
      "again.");
  return [options] { embed(*options); };
}

}  // namespace vecton::cli
