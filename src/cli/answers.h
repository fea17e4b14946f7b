// What the commands that answer every text with labels, scores or tokens have in common: options,
// the run with its progress, and the beginnings of their JSON lines.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cli/record_reader.h"
#include "cli/terminal.h"
#include "vecton/vecton.h"

namespace CLI {
class App;
}

namespace vecton::cli {

struct AnswerOptions {
  bool json = false, csv = false, truncate = false, quiet = false;
  std::string colour = "auto";
};

// --json, --csv, --color, --truncate, --quiet.
void add_answer_options(CLI::App& app, AnswerOptions& options);

// Failure (kModel) that says what the model does, unless that is `task`.
void require_task(const Engine& engine, Task task);

struct Answers {
  std::function<Request(const Record&)> request;
  std::string head;     // the first line of a table
  bool streams = true;  // false: nothing is printed before the end
  // Appends the answer to record `index`.
  std::function<void(std::string& out, int64_t index, const Record&, Result&&)> append;
};

// Runs all records and prints their answers in order.
void run_answers(Engine& engine, RecordReader& reader, const AnswerOptions& options,
                 const Answers& answers);

// Appends `{"index": 3, "id": "a"` and, for texts of the command line, its text: the caller goes on
// with a comma.
void append_json_head(std::string& out, int64_t index, const Record& record, bool with_text);

// "0.9876", and as many digits as show a difference for small values.
std::string formatted_score(float score);

// A line of a ranking: a number, a bar that is `share` full, and what it is about.
std::string bar_line(float score, double share, const std::string& text, Colour colour, int width);

}  // namespace vecton::cli
