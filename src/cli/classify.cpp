// vecton classify: the labels of texts, or of pairs of texts.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <numeric>

#include "cli/answers.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/csv.h"
#include "cli/display_width.h"
#include "cli/json_text.h"
#include "cli/model_options.h"

namespace vecton::cli {

namespace {

struct ClassifyOptions {
  EngineOptions engine;
  InputOptions input;
  AnswerOptions answers;
  std::vector<std::string> texts;
  std::string pair;
  size_t top_k = 0;
  bool raw = false;
};

std::string label_of(const ModelInfo& info, size_t id) {
  return id < info.labels.size() ? info.labels[id] : "LABEL_" + std::to_string(id);
}

// Ids of labels, the highest value first.
std::vector<size_t> best_first(const std::vector<float>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](size_t i) { return values[i]; });
  return order;
}

class ClassifyPrinter {
 public:
  ClassifyPrinter(const ClassifyOptions& options, const ModelInfo& info)
      : options_(options), info_(info), colour_(colour_of_stdout(options.answers.colour)) {}

  std::string head() const {
    if (!options_.answers.csv) return "";
    std::string out = "index,id,label";
    for (const std::string& label : info_.labels) {
      out += ',';
      append_csv_field(out, label);
    }
    return out + "\n";
  }

  void append(std::string& out, int64_t index, const Record& record, const Labels& result) const {
    const std::vector<size_t> order = best_first(result.values);
    if (options_.answers.json) return append_json(out, index, record, result, order);
    if (options_.answers.csv) return append_csv(out, index, record, result, order);
    append_lines(out, record, result, order);
  }

 private:
  size_t shown(const std::vector<size_t>& order) const {
    return options_.top_k > 0 ? std::min(options_.top_k, order.size()) : order.size();
  }

  void append_json(std::string& out, int64_t index, const Record& record, const Labels& result,
                   const std::vector<size_t>& order) const {
    append_json_head(out, index, record, options_.input.path.empty());
    out += ", \"label\": ";
    const size_t best = order.at(0);
    if (best < info_.labels.size()) {
      out += label_json(info_, best);
    } else {
      base::append_json_string(out, label_of(info_, best));
    }
    out += ", \"scores\": {";
    for (size_t i = 0; i < shown(order); ++i) {
      if (i > 0) out += ", ";
      base::append_json_string(out, label_of(info_, order[i]));
      out += ": ";
      append_number(out, result.values[order[i]]);
    }
    out += "}}\n";
  }

  void append_csv(std::string& out, int64_t index, const Record& record, const Labels& result,
                  const std::vector<size_t>& order) const {
    append_number(out, index);
    out += ',';
    append_csv_field(out, record.id.value_or(""));
    out += ',';
    append_csv_field(out, label_of(info_, order.at(0)));
    for (const float value : result.values) {
      out += ',';
      append_number(out, value);
    }
    out += '\n';
  }

  void append_lines(std::string& out, const Record& record, const Labels& result,
                    const std::vector<size_t>& order) const {
    const int width = terminal_width();
    out += bold(colour_) + fit(shown_text(record), width) + plain(colour_) + "\n";
    for (size_t i = 0; i < shown(order); ++i) {
      const float value = result.values[order[i]];
      out += bar_line(value, value, label_of(info_, order[i]), colour_, width);
    }
  }

  const ClassifyOptions& options_;
  const ModelInfo& info_;
  Colour colour_;
};

void classify(ClassifyOptions& options) {
  const auto reader = read_input(std::move(options.texts), options.input);
  const auto engine = open_engine(options.engine);
  require_task(*engine, Task::kClassify);
  const ClassifyPrinter printer(options, engine->info());
  run_answers(*engine, *reader, options.answers,
              {.request =
                   [&](const Record& record) {
                     Request request;
                     Classify task{.pair = record.pair};
                     if (!options.pair.empty()) task.pair = options.pair;
                     if (options.raw) task.use_activation = false;
                     request.prompt.input = record.input;
                     request.task = std::move(task);
                     return request;
                   },
               .head = printer.head(),
               .append =
                   [&](std::string& out, int64_t index, const Record& record, Result&& result) {
                     printer.append(out, index, record, result.get<Labels>());
                   }});
}

}  // namespace

std::function<void()> define_classify(CLI::App& app) {
  auto options = std::make_shared<ClassifyOptions>();
  add_engine_options(app, options->engine);
  add_texts(app, "TEXT", options->texts, "Texts to classify");
  add_input_options(app, options->input);
  app.add_option("--pair-field", options->input.pair,
                 "Field or column of a second text, for models that read pairs")
      ->type_name("NAME");
  app.add_option("--pair", options->pair, "The second text of every text")->type_name("TEXT");
  app.add_option("-k,--top-k", options->top_k, "Print the likeliest labels only [all]")
      ->type_name("N")
      ->transform(at_least(0));
  app.add_flag("--raw", options->raw, "Logits instead of probabilities");
  add_answer_options(app, options->answers);
  app.footer(
      "Examples:\n"
      "  vecton classify MODEL \"what a film\" \"never again\"\n"
      "  vecton classify MODEL --input rows.csv --column title --csv\n"
      "  vecton classify MODEL --pair \"it rains\" \"the street is wet\" --json\n"
      "\nWhether the numbers add up to 1 is the checkpoint's choice: classes that exclude each "
      "other do.");
  return [options] { classify(*options); };
}

}  // namespace vecton::cli
