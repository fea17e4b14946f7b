// vecton rerank: documents, the best answers to a query first.
#include <CLI/App.hpp>
#include <algorithm>
#include <numeric>

#include "cli/answers.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/csv.h"
#include "cli/display_width.h"
#include "cli/json_text.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/pairs.h"

namespace vecton::cli {

namespace {

struct RerankOptions {
  EngineOptions engine;
  PairOptions pairs;
  AnswerOptions answers;
  size_t top_n = 0;
};

struct Scored {
  Record record;
  int64_t index = 0;
  float score = 0, logit = 0;
};

// By the logit, because probabilities of good documents are all 1; equals keep their order.
std::vector<Scored> best_first(std::vector<Scored> all, size_t top_n) {
  std::ranges::stable_sort(all, std::greater<>(), &Scored::logit);
  if (top_n > 0 && top_n < all.size()) all.resize(top_n);
  return all;
}

std::string as_json(const RerankOptions& options, const std::vector<Scored>& ranking) {
  std::string out = "{\"query\": ";
  base::append_json_string(out, options.pairs.query);
  out += ", \"ranking\": [";
  for (const Scored& scored : ranking) {
    if (&scored != &ranking.front()) out += ", ";
    append_json_head(out, scored.index, scored.record, true);
    out += ", \"score\": ";
    append_number(out, scored.score);
    out += ", \"logit\": ";
    append_number(out, scored.logit);
    out += '}';
  }
  return out + "]}\n";
}

std::string as_csv(const std::vector<Scored>& ranking) {
  std::string out = "rank,index,id,score,text\n";
  for (size_t i = 0; i < ranking.size(); ++i) {
    const Scored& scored = ranking[i];
    out += std::to_string(i + 1) + "," + std::to_string(scored.index) + ",";
    append_csv_field(out, scored.record.id.value_or(""));
    out += ',';
    append_number(out, scored.score);
    out += ',';
    append_csv_field(out, shown_text(scored.record));
    out += '\n';
  }
  return out;
}

// Bars show probabilities as they are, and other scores between the lowest and the highest.
std::string as_lines(const RerankOptions& options, const std::vector<Scored>& ranking) {
  const Colour colour = colour_of_stdout(options.answers.colour);
  const int width = terminal_width();
  float low = 0, high = 1;
  for (const Scored& scored : ranking) {
    low = std::min(low, scored.score);
    high = std::max(high, scored.score);
  }
  std::string out = bold(colour) + fit(options.pairs.query, width) + plain(colour) + "\n";
  for (const Scored& scored : ranking) {
    out += bar_line(scored.score, static_cast<double>((scored.score - low) / (high - low)),
                    shown_text(scored.record), colour, width);
  }
  return out;
}

void rerank(RerankOptions& options) {
  const auto reader = read_documents(options.pairs, false);
  const auto engine = open_engine(options.engine);
  require_task(*engine, Task::kScore);
  std::vector<Scored> all;
  run_answers(
      *engine, *reader, options.answers,
      {.request =
           [&](const Record& record) { return score_request(options.pairs, *reader, record); },
       .head = "",
       .streams = false,
       .append =
           [&](std::string&, int64_t index, const Record& record, Result&& result) {
             const auto& relevance = result.get<Relevance>();
             all.push_back({record, index, relevance.score, relevance.logit});
           }});
  const std::vector<Scored> ranking = best_first(std::move(all), options.top_n);
  print(options.answers.json  ? as_json(options, ranking)
        : options.answers.csv ? as_csv(ranking)
                              : as_lines(options, ranking));
}

}  // namespace

std::function<void()> define_rerank(CLI::App& app) {
  auto options = std::make_shared<RerankOptions>();
  add_engine_options(app, options->engine);
  add_pair_options(app, options->pairs);
  app.add_option("-n,--top-n", options->top_n, "Print the best only [all]")
      ->type_name("N")
      ->transform(at_least(0));
  add_answer_options(app, options->answers);
  app.footer(
      "Examples:\n"
      "  vecton rerank MODEL \"who sleeps?\" \"a cat naps\" \"stocks fell\"\n"
      "  vecton rerank MODEL --query \"who sleeps?\" --input texts.txt --top-n 10 --json\n"
      "  vecton rerank MODEL \"total amount\" --image page-1.png --image page-2.png\n"
      "\nCross-encoders read the query with each document; late-interaction models and embedding "
      "models compare what they make of each.");
  return [options] { rerank(*options); };
}

}  // namespace vecton::cli
