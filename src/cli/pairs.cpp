#include "cli/pairs.h"

#include <CLI/App.hpp>
#include <utility>

#include "cli/arguments.h"
#include "cli/failure.h"

namespace vecton::cli {

namespace {

const std::string& document_of(const PairOptions& options, const Record& record) {
  return options.query.empty() ? *record.pair : std::get<std::string>(record.input);
}

}  // namespace

void add_pair_options(CLI::App& app, PairOptions& options) {
  add_texts(app, "TEXT", options.texts, "The query (unless --query gives it), then documents");
  app.add_option("--query", options.query, "The query, for the documents of --input")
      ->type_name("TEXT");
  add_input_options(app, options.input);
  options.input.has_images = true;
  app.add_option("--image", options.input.images,
                 "A picture as a document, of models that read them; again for more")
      ->type_name("FILE")
      ->allow_extra_args(false);
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
  const bool pictures = !options.input.images.empty();
  if (options.query.empty() && !options.texts.empty()) {
    options.query = std::move(options.texts.front());
    options.texts.erase(options.texts.begin());
    if (options.texts.empty() && !pictures && options.input.path.empty())
      throw Failure(ExitStatus::kUsage,
                    "there are no documents: give them after the query, or by "
                    "--input FILE");
  }
  if (options.query.empty()) {
    if (!pairs || pictures)
      throw Failure(ExitStatus::kUsage, "there is no query: give --query TEXT");
    if (options.input.field == "text") options.input.field = "query";
    if (options.input.column == "text") options.input.column = "query";
    if (options.input.pair.empty()) options.input.pair = "document";
  }
  if (pictures && options.input.path.empty())
    return read_document_arguments(std::move(options.texts), options.input.images);
  return read_input(std::move(options.texts), options.input);
}

std::string shown_document(const PairOptions& options, const Record& record) {
  const std::string& text = document_of(options, record);
  return text.empty() && !record.images.empty() ? record.images.front().source : text;
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
  Score task{.document = document_of(options, record),
             .document_images = record.images,
             .instruction = options.instruction};
  if (options.raw) task.use_activation = false;
  request.task = std::move(task);
  return request;
}

}  // namespace vecton::cli
