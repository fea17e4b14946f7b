// vecton classify: the labels of texts, of pairs of texts, or of pictures among candidates.
#include <CLI/App.hpp>
#include <algorithm>
#include <numeric>

#include "base/ascii.h"
#include "cli/answers.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/csv.h"
#include "cli/display_width.h"
#include "cli/failure.h"
#include "cli/foreign_options.h"
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
  std::vector<std::string> candidates;  // labels of the command line
  std::string hypothesis = "This is a photo of {}.";
  size_t top_k = 0;
  bool raw = false;
};

constexpr std::string_view kPlace = "{}";  // of the label in a hypothesis

// One option has names with commas between them; of several each is a name.
std::vector<std::string> candidate_labels(const std::vector<std::string>& given) {
  if (given.size() != 1) return given;
  std::vector<std::string> labels;
  for (const std::string& name : split(given.front(), ',')) {
    const std::string_view label = base::trimmed(name, " ");
    if (!label.empty()) labels.emplace_back(label);
  }
  if (labels.empty())
    throw Failure(ExitStatus::kUsage, "--candidate-labels: expected at least one label");
  return labels;
}

// What each candidate says of a picture.
std::vector<std::string> hypotheses(const ClassifyOptions& options) {
  const size_t place = options.hypothesis.find(kPlace);
  if (place == std::string::npos ||
      options.hypothesis.find(kPlace, place + 1) != std::string::npos) {
    throw Failure(ExitStatus::kUsage,
                  "--hypothesis-template: expected a text with one {}, where the label goes");
  }
  std::vector<std::string> texts;
  for (const std::string& label : options.candidates)
    texts.push_back(std::string(options.hypothesis).replace(place, kPlace.size(), label));
  return texts;
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
      : options_(options),
        info_(info),
        labels_(options.candidates.empty() ? info.labels : options.candidates),
        colour_(colour_of_stdout(options.answers.colour)) {}

  std::string head() const {
    if (!options_.answers.csv) return "";
    std::string out = "index,id,label";
    for (const std::string& label : labels_) {
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
  std::string label(size_t id) const {
    return id < labels_.size() ? labels_[id] : "LABEL_" + std::to_string(id);
  }

  size_t shown(const std::vector<size_t>& order) const {
    return options_.top_k > 0 ? std::min(options_.top_k, order.size()) : order.size();
  }

  void append_json(std::string& out, int64_t index, const Record& record, const Labels& result,
                   const std::vector<size_t>& order) const {
    const bool given = options_.input.path.empty();
    append_json_head(out, index, record, given);
    out += ", \"label\": ";
    const size_t best = order.at(0);
    if (options_.candidates.empty() && best < info_.labels.size()) {
      out += label_json(info_, best);
    } else {
      base::append_json_string(out, label(best));
    }
    out += ", \"scores\": {";
    for (size_t i = 0; i < shown(order); ++i) {
      if (i > 0) out += ", ";
      base::append_json_string(out, label(order[i]));
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
    append_csv_field(out, label(order.at(0)));
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
      out += bar_line(value, value, label(order[i]), colour_, width);
    }
  }

  const ClassifyOptions& options_;
  const ModelInfo& info_;
  std::vector<std::string> labels_;
  Colour colour_;
};

void classify(ClassifyOptions& options) {
  options.candidates = candidate_labels(options.candidates);
  const std::vector<std::string> candidates = hypotheses(options);
  const auto reader = read_input(std::move(options.texts), options.input);
  const auto engine = open_engine(options.engine);
  if (candidates.empty()) require_task(*engine, Task::kClassify);
  const ClassifyPrinter printer(options, engine->info());
  run_answers(*engine, *reader, options.answers,
              {.request =
                   [&](const Record& record) {
                     Request request;
                     Classify task{.pair = record.pair, .candidates = candidates};
                     if (!options.pair.empty()) task.pair = options.pair;
                     if (options.raw) task.use_activation = false;
                     request.prompt.input = record.input;
                     request.prompt.images = record.images;
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
  add_image_options(app, options->input, options->texts);
  app.add_option("--candidate-labels", options->candidates,
                 "Labels of which one says what a picture shows: names with commas between, or the "
                 "option again for each. For models that compare images and texts (CLIP, SigLIP)")
      ->type_name("LABELS")
      ->allow_extra_args(false);
  app.add_option("--hypothesis-template", options->hypothesis,
                 "Text of a candidate label, which stands for {} [This is a photo of {}.]")
      ->type_name("TEXT");
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
      "  vecton classify MODEL --image photo.jpg --candidate-labels \"a cat,a dog,a car\"\n"
      "  vecton classify MODEL --pair \"it rains\" \"the street is wet\" --json\n"
      "\nWhether the numbers add up to 1 is the checkpoint's choice: classes that exclude each "
      "other do.");
  return [options] { classify(*options); };
}

}  // namespace vecton::cli
