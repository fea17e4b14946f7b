// vecton tag: what the tokens of texts are, such as names of people and places.
#include <CLI/App.hpp>
#include <algorithm>
#include <limits>

#include "cli/answers.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/csv.h"
#include "cli/display_width.h"
#include "cli/failure.h"
#include "cli/heat_map.h"
#include "cli/json_text.h"
#include "cli/model_options.h"
#include "vecton/vecton.h"

namespace vecton::cli {

namespace {

struct TagOptions {
  EngineOptions engine;
  InputOptions input;
  AnswerOptions answers;
  std::vector<std::string> texts;
  std::string aggregation = "simple";
};

constexpr Rgb kMarks[] = {{255, 214, 102}, {156, 220, 254}, {181, 232, 165}, {245, 183, 200},
                          {214, 190, 250}, {255, 190, 140}, {160, 230, 220}, {220, 220, 170}};

// Characters before byte `at` of a text.
int64_t characters_before(std::string_view text, int64_t at) {
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  return std::ranges::count_if(text.substr(0, static_cast<size_t>(at)), begins);
}

class TagPrinter {
 public:
  TagPrinter(const TagOptions& options, const Engine& engine)
      : options_(options),
        info_(engine.info()),
        tokenizer_(engine.tokenizer()),
        aggregation_(*aggregation_from_string(options.aggregation)),
        colour_(colour_of_stdout(options.answers.colour)) {}

  std::string head() const {
    return options_.answers.csv ? "index,id,label,score,start,end,text\n" : "";
  }

  void append(std::string& out, int64_t index, const Record& record, const Labels& result) {
    const auto& text = std::get<std::string>(record.input);
    const std::vector<Entity> entities =
        find_entities(result, text, tokenizer_, info_.labels, aggregation_);
    if (options_.answers.json) return append_json(out, index, record, text, entities);
    if (options_.answers.csv) return append_csv(out, index, record, text, entities);
    append_lines(out, text, entities);
  }

 private:
  void append_json(std::string& out, int64_t index, const Record& record, std::string_view text,
                   const std::vector<Entity>& entities) const {
    append_json_head(out, index, record, options_.input.path.empty());
    out += ", \"entities\": [";
    for (const Entity& entity : entities) {
      out += &entity == &entities.front() ? "{\"label\": " : ", {\"label\": ";
      out += label_json(info_, entity);
      out += ", \"score\": ";
      append_number(out, entity.score);
      out += ", \"start\": ";
      append_number(out, characters_before(text, entity.begin));
      out += ", \"end\": ";
      append_number(out, characters_before(text, entity.end));
      out += ", \"text\": ";
      base::append_json_string(out, entity.text);
      out += '}';
    }
    out += "]}\n";
  }

  void append_csv(std::string& out, int64_t index, const Record& record, std::string_view text,
                  const std::vector<Entity>& entities) const {
    for (const Entity& entity : entities) {
      append_number(out, index);
      out += ',';
      append_csv_field(out, record.id.value_or(""));
      out += ',';
      append_csv_field(out, entity.label);
      out += ',';
      append_number(out, entity.score);
      out += "," + std::to_string(characters_before(text, entity.begin)) + "," +
             std::to_string(characters_before(text, entity.end)) + ",";
      append_csv_field(out, entity.text);
      out += '\n';
    }
  }

  // The text with its entities marked, and a line for each.
  void append_lines(std::string& out, std::string_view text, const std::vector<Entity>& entities) {
    if (colour_ == Colour::kNone) {
      out += one_line(text) + "\n";
    } else {
      append_marked(out, text, entities);
    }
    size_t widest = 0;
    for (const Entity& entity : entities) widest = std::max(widest, entity.label.size());
    for (const Entity& entity : entities) {
      out += formatted_score(entity.score) + "  " + entity.label +
             std::string(widest - entity.label.size() + 2, ' ') + one_line(entity.text) + "\n";
    }
  }

  void append_marked(std::string& out, std::string_view text, const std::vector<Entity>& entities) {
    size_t at = 0;
    for (const Entity& entity : entities) {
      const auto begin = static_cast<size_t>(entity.begin), end = static_cast<size_t>(entity.end);
      if (begin < at || end > text.size()) continue;
      const Rgb mark = mark_of(entity.label);
      out += one_line(text.substr(at, begin - at)) + background(colour_, mark) +
             foreground(colour_, ink_on(mark)) + one_line(text.substr(begin, end - begin)) +
             plain(colour_);
      at = end;
    }
    out += one_line(text.substr(at)) + "\n";
  }

  // Labels get their colours in the order they appear.
  Rgb mark_of(const std::string& label) {
    const auto found = std::ranges::find(seen_, label);
    const auto place = static_cast<size_t>(found - seen_.begin());
    if (found == seen_.end()) seen_.push_back(label);
    return kMarks[place % std::size(kMarks)];
  }

  static std::string one_line(std::string_view text) {
    return fit(text, std::numeric_limits<int>::max());
  }

  const TagOptions& options_;
  const ModelInfo& info_;
  const Tokenizer& tokenizer_;
  Aggregation aggregation_;
  Colour colour_;
  std::vector<std::string> seen_;
};

void tag(TagOptions& options) {
  const auto reader = read_input(std::move(options.texts), options.input);
  const auto engine = open_engine(options.engine);
  require_task(*engine, Task::kTokenClassify);
  if (std::ranges::count(engine->info().tasks, Task::kClassify) > 0) {
    throw Failure(ExitStatus::kModel, engine->info().name +
                                          " does not do 'token_classify' for tags: its labels are "
                                          "of whole texts; vecton classify gives them");
  }
  if (engine->info().labels.empty()) {
    throw Failure(ExitStatus::kModel, engine->info().name +
                                          " has no labels for tokens: it is a masked language "
                                          "model; 'vecton fill-mask' is for those");
  }
  TagPrinter printer(options, *engine);
  run_answers(*engine, *reader, options.answers,
              {.request =
                   [&](const Record& record) {
                     if (record.input.index() != 0) {
                       throw Failure(ExitStatus::kInput,
                                     reader->where(record) + ": expected a text, not token ids");
                     }
                     Request request;
                     request.task = TokenClassify{.use_activation = true};
                     request.prompt.input = record.input;
                     return request;
                   },
               .head = printer.head(),
               .append =
                   [&](std::string& out, int64_t index, const Record& record, Result&& result) {
                     printer.append(out, index, record, result.get<Labels>());
                   }});
}

}  // namespace

std::function<void()> define_tag(CLI::App& app) {
  auto options = std::make_shared<TagOptions>();
  add_engine_options(app, options->engine);
  add_texts(app, "TEXT", options->texts, "Texts to tag");
  add_input_options(app, options->input);
  app.add_option("--aggregation", options->aggregation,
                 "How tokens become entities: none (every token), simple (neighbours of one "
                 "label), or words by their first token, their average or their max [simple]")
      ->type_name("STRATEGY")
      ->check(one_of({"none", "simple", "first", "average", "max"}));
  add_answer_options(app, options->answers);
  app.footer(
      "Examples:\n"
      "  vecton tag MODEL \"Marie Curie was born in Warsaw\"\n"
      "  vecton tag MODEL --aggregation first --input texts.txt --json\n"
      "\nStart and end count characters of the text.");
  return [options] { tag(*options); };
}

}  // namespace vecton::cli
