#include "cli/answers.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/counted.h"
#include "cli/arguments.h"
#include "cli/bar.h"
#include "cli/display_width.h"
#include "cli/failure.h"
#include "cli/heat_map.h"
#include "cli/interrupt.h"
#include "cli/json_text.h"
#include "cli/output.h"
#include "cli/pipeline.h"
#include "cli/progress.h"

namespace vecton::cli {

void add_answer_options(CLI::App& app, AnswerOptions& options) {
  auto* as_json = app.add_flag("--json", options.json, "Print JSON");
  app.add_flag("--csv", options.csv, "Print CSV with a header")->excludes(as_json);
  app.add_option("--color,--colour", options.colour, "auto, always or never [auto]")
      ->type_name("WHEN")
      ->check(one_of({"auto", "always", "never"}));
  app.add_flag("--truncate,!--no-truncate", options.truncate,
               "Cut a text that is too long to what the model takes [an error]");
  app.add_flag("-q,--quiet", options.quiet, "No progress bar and no notes");
}

void require_task(const Engine& engine, Task task) {
  const ModelInfo& info = engine.info();
  if (std::ranges::find(info.tasks, task) != info.tasks.end()) return;
  if (task == Task::kScore && !info.scorer.empty()) return;  // many can that were not made for it
  std::string names;
  for (const Task each : info.tasks)
    names += (names.empty() ? "" : ", ") + std::string(to_string(each));
  throw Failure(ExitStatus::kModel,
                info.name + " does not do '" + to_string(task) + "'; it does: " + names);
}

void run_answers(Engine& engine, RecordReader& reader, const AnswerOptions& options,
                 const Answers& answers) {
  const InterruptGuard guard;
  Output output;
  const bool prints = answers.streams && stdout_is_terminal();
  Progress progress(stderr_is_terminal() && !prints && !options.quiet, 0, reader.share());
  int64_t rows = 0, cut = 0;
  output.buffer() += answers.head;
  const Stages stages{.request =
                          [&](const Record& record) {
                            Request request = answers.request(record);
                            if (options.truncate) request.prompt.truncation.to = -1;
                            return request;
                          },
                      .result =
                          [&](const Record& record, Result&& result) {
                            cut += result.usage.truncated ? 1 : 0;
                            answers.append(output.buffer(), rows, record, std::move(result));
                            output.written();
                            if (++rows % 16 == 0) progress.update(rows, record.share);
                          },
                      .idle = [&] { output.flush(); }};
  try {
    run_pipeline(engine, reader, {}, stages);
  } catch (...) {  // what came before the error counts
    output.flush();
    throw;
  }
  progress.clear();
  output.flush();
  if (cut > 0 && !options.quiet) {
    std::fprintf(stderr, "vecton: %s %s cut to what the model takes\n",
                 base::counted(cut, "text").c_str(), cut == 1 ? "was" : "were");
  }
}

void append_json_head(std::string& out, int64_t index, const Record& record, bool with_text) {
  out += "{\"index\": ";
  append_number(out, index);
  if (record.id) {
    out += ", \"id\": ";
    if (record.numeric_id) {
      out += *record.id;
    } else {
      base::append_json_string(out, *record.id);
    }
  }
  const auto* text = std::get_if<std::string>(&record.input);
  if (with_text && text && (record.images.empty() || !text->empty())) {
    out += ", \"text\": ";
    base::append_json_string(out, *text);
  }
  if (!with_text || record.images.empty()) return;
  out += ", \"image\": ";
  if (record.images.size() == 1) return base::append_json_string(out, record.images.front().source);
  for (const Image& image : record.images) {
    out += &image == &record.images.front() ? "[" : ", ";
    base::append_json_string(out, image.source);
  }
  out += ']';
}

std::string formatted_score(float score) {
  char text[32];
  const bool small = score != 0 && std::abs(score) < 0.001f;
  std::snprintf(text, sizeof text, small ? "%9.2e" : "%9.4f", static_cast<double>(score));
  return text;
}

std::string bar_line(float score, double share, const std::string& text, Colour colour, int width) {
  constexpr int kBar = 20, kNumber = 9;
  return formatted_score(score) + "  " + foreground(colour, scale_colour(share)) +
         bar(share, kBar) + plain(colour) + "  " + fit(text, width - kBar - kNumber - 4) + "\n";
}

}  // namespace vecton::cli
