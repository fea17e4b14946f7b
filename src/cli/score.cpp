// vecton score: how well each document answers its query, in the order of the input.
#include <CLI/App.hpp>
#include <algorithm>

#include "cli/answers.h"
#include "cli/command.h"
#include "cli/csv.h"
#include "cli/json_text.h"
#include "cli/model_options.h"
#include "cli/pairs.h"

namespace vecton::cli {

namespace {

struct ScoreOptions {
  EngineOptions engine;
  PairOptions pairs;
  AnswerOptions answers;
};

void append_json(std::string& out, int64_t index, const Record& record, const Relevance& result) {
  append_json_head(out, index, record, false);
  out += ", \"score\": ";
  append_number(out, result.score);
  out += ", \"logit\": ";
  append_number(out, result.logit);
  out += "}\n";
}

void append_csv(std::string& out, int64_t index, const Record& record, const Relevance& result) {
  append_number(out, index);
  out += ',';
  append_csv_field(out, record.id.value_or(""));
  out += ',';
  append_number(out, result.score);
  out += '\n';
}

void score(ScoreOptions& options) {
  const auto reader = read_documents(options.pairs, true);
  const auto engine = open_engine(options.engine);
  require_task(*engine, Task::kScore);
  const Colour colour = colour_of_stdout(options.answers.colour);
  const int width = terminal_width();
  const auto append = [&](std::string& out, int64_t index, const Record& record, Result&& result) {
    const auto& relevance = result.get<Relevance>();
    if (options.answers.json) return append_json(out, index, record, relevance);
    if (options.answers.csv) return append_csv(out, index, record, relevance);
    const float value = relevance.score;
    out += bar_line(value, value, shown_document(options.pairs, record), colour, width);
  };
  run_answers(
      *engine, *reader, options.answers,
      {.request =
           [&](const Record& record) { return score_request(options.pairs, *reader, record); },
       .head = options.answers.csv ? "index,id,score\n" : "",
       .append = append});
}

}  // namespace

std::function<void()> define_score(CLI::App& app) {
  auto options = std::make_shared<ScoreOptions>();
  add_engine_options(app, options->engine);
  add_pair_options(app, options->pairs);
  app.add_option("--pair", options->pairs.input.pair,
                 "Field or column of the document, in a file of pairs [document]; --field and "
                 "--column name the query [query]")
      ->type_name("NAME");
  add_answer_options(app, options->answers);
  app.footer(
      "Examples:\n"
      "  vecton score MODEL \"who sleeps?\" \"a cat naps\" \"stocks fell\"\n"
      "  vecton score MODEL --query \"who sleeps?\" --input texts.txt --csv\n"
      "  vecton score MODEL --input pairs.jsonl --json\n"
      "  vecton score MODEL --query \"total amount\" --image page-1.png --image page-2.png\n"
      "\nA JSON line of pairs has \"query\" and \"document\", or a picture under \"image\". Scores "
      "come in the order of the "
      "input; 'vecton rerank' sorts them.");
  return [options] { score(*options); };
}

}  // namespace vecton::cli
