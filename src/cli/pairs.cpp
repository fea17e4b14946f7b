#include "cli/pairs.h"

#include <CLI/App.hpp>

#include "cli/arguments.h"
#include "cli/failure.h"

namespace vecton::cli {

void add_pair_options(CLI::App& app, PairOptions& options) {
  add_texts(app, "TEXT", options.texts, "The query (unless --query gives it), then documents");
  app.add_option("--query", options.query, "The query, for the documents of --input")
      ->type_name("TEXT");
  add_input_options(app, options.input);
  app.add_option("--instruction", options.instruction,
                 "Task of a reranker whose prompt has one [the checkpoint's]")
      ->type_name("TEXT");
  auto* name = app.add_option("--prompt-name", options.prompt_name,
                              "Prompt of the checkpoint, of a cross-encoder before the query, of "
                              "others before each text [what the model has for them]")
                   ->type_name("NAME");
  app.add_option("--prompt", options.prompt, "Text to put there; '' for none")
      ->type_name("TEXT")
      ->excludes(name);
  app.add_flag("--raw", options.raw, "Logits instead of the checkpoint's activation");
}

std::unique_ptr<RecordReader> read_documents(PairOptions& options, bool pairs) {
  if (options.query.empty() && !options.texts.empty()) {
    options.query = std::move(options.texts.front());
    options.texts.erase(options.texts.begin());
    if (options.texts.empty() && options.input.path.empty())
      throw Failure(ExitStatus::kUsage,
                    "there are no documents: give them after the query, or by "
                    "--input FILE");
  }
  if (options.query.empty()) {
    if (!pairs) throw Failure(ExitStatus::kUsage, "there is no query: give --query TEXT");
    if (options.input.field == "text") options.input.field = "query";
    if (options.input.column == "text") options.input.column = "query";
    if (options.input.pair.empty()) options.input.pair = "document";
  }
  return read_input(std::move(options.texts), options.input);
}

const std::string& document_of(const PairOptions& options, const Record& record) {
  return options.query.empty() ? *record.pair : std::get<std::string>(record.input);
}

Request score_request(const PairOptions& options, const RecordReader& reader,
                      const Record& record) {
  if (record.input.index() != 0)
    throw Failure(ExitStatus::kInput, reader.where(record) + ": expected a text, not token ids");
  Request request;
  Prompt& prompt = request.prompt;
  prompt.input = options.query.empty() ? std::get<std::string>(record.input) : options.query;
  if (!options.prompt_name.empty()) prompt.prompt_name = options.prompt_name;
  prompt.prompt_text = options.prompt;
  Score task{.document = document_of(options, record), .instruction = options.instruction};
  if (options.raw) task.use_activation = false;
  request.task = std::move(task);
  return request;
}

}  // namespace vecton::cli
