// vecton fill-mask: the likeliest tokens in place of a text's mask tokens.
#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>

#include "cli/answers.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/csv.h"
#include "cli/display_width.h"
#include "cli/json_text.h"
#include "cli/model_options.h"
#include "vecton/request.h"

namespace vecton::cli {

namespace {

struct FillMaskOptions {
  EngineOptions engine;
  InputOptions input;
  AnswerOptions answers;
  std::vector<std::string> texts, targets;
  int64_t top_k = 5;
};

using MaskFillings = std::vector<std::vector<Filling>>;

void append_json(std::string& out, int64_t index, const Record& record, const MaskFillings& masks,
                 bool with_text) {
  append_json_head(out, index, record, with_text);
  out += ", \"masks\": [";
  for (size_t mask = 0; mask < masks.size(); ++mask) {
    out += mask > 0 ? ", [" : "[";
    for (const Filling& filling : masks[mask]) {
      out += &filling == &masks[mask].front() ? "{\"token\": " : ", {\"token\": ";
      append_number(out, filling.token);
      out += ", \"text\": ";
      base::append_json_string(out, filling.text);
      out += ", \"score\": ";
      append_number(out, filling.score);
      out += ", \"sequence\": ";
      base::append_json_string(out, filling.sequence);
      out += '}';
    }
    out += ']';
  }
  out += "]}\n";
}

void append_csv(std::string& out, int64_t index, const Record& record, const MaskFillings& masks) {
  for (size_t mask = 0; mask < masks.size(); ++mask) {
    for (const Filling& filling : masks[mask]) {
      append_number(out, index);
      out += ',';
      append_csv_field(out, record.id.value_or(""));
      out += "," + std::to_string(mask) + "," + std::to_string(filling.token) + ",";
      append_csv_field(out, filling.text);
      out += ',';
      append_number(out, filling.score);
      out += ',';
      append_csv_field(out, filling.sequence);
      out += '\n';
    }
  }
}

void append_lines(std::string& out, const Record& record, const MaskFillings& masks,
                  Colour colour) {
  const int width = terminal_width();
  out += bold(colour) + fit(shown_text(record), width) + plain(colour) + "\n";
  for (size_t mask = 0; mask < masks.size(); ++mask) {
    if (masks.size() > 1) out += "mask " + std::to_string(mask + 1) + "\n";
    for (const Filling& filling : masks[mask]) {
      out += bar_line(filling.score, filling.score,
                      masks.size() > 1 ? filling.text : filling.text + "  " + filling.sequence,
                      colour, width);
    }
  }
}

void fill_mask(FillMaskOptions& options) {
  const auto reader = read_input(std::move(options.texts), options.input);
  const auto engine = open_engine(options.engine);
  require_task(*engine, Task::kFillMask);
  for (const MaskTarget& target : find_targets(options.targets, engine->tokenizer())) {
    if (!target.exact && !options.answers.quiet)
      std::fprintf(stderr, "vecton: %s\n", target.note(engine->tokenizer()).c_str());
  }
  const Colour colour = colour_of_stdout(options.answers.colour);
  const auto request = [&](const Record& record) {
    Request request;
    request.task = FillMask{.top_k = options.top_k, .targets = options.targets};
    request.prompt.input = record.input;
    return request;
  };
  const auto append = [&](std::string& out, int64_t index, const Record& record, Result&& result) {
    const MaskFillings masks = find_fillings(result.get<Fillings>(), engine->tokenizer());
    if (options.answers.json)
      return append_json(out, index, record, masks, options.input.path.empty());
    if (options.answers.csv) return append_csv(out, index, record, masks);
    append_lines(out, record, masks, colour);
  };
  run_answers(*engine, *reader, options.answers,
              {.request = request,
               .head = options.answers.csv ? "index,id,mask,token,text,score,sequence\n" : "",
               .append = append});
}

}  // namespace

std::function<void()> define_fill_mask(CLI::App& app) {
  auto options = std::make_shared<FillMaskOptions>();
  add_engine_options(app, options->engine);
  add_texts(app, "TEXT", options->texts, "Texts with mask tokens, such as [MASK] or <mask>");
  add_input_options(app, options->input);
  app.add_option("-k,--top-k", options->top_k, "Tokens for every mask [5]")
      ->type_name("N")
      ->transform(at_least(1));
  app.add_option("--targets", options->targets,
                 "Only these tokens, with commas between them; of a text that is no "
                 "token of the vocabulary, its first token")
      ->type_name("TOKENS")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_answer_options(app, options->answers);
  app.footer(
      "Examples:\n"
      "  vecton fill-mask MODEL \"the capital of France is [MASK].\"\n"
      "  vecton fill-mask MODEL --targets good,bad \"this film was [MASK].\" --json");
  return [options] { fill_mask(*options); };
}

}  // namespace vecton::cli
