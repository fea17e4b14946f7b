// AnswerParser: from the text of an answer, in whatever pieces it arrives, to thinking, content and
// tool calls. The text holds the special tokens that the formats are made of. Never fails: what is
// not understood is content.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/events.h"
#include "parsers/formats.h"
#include "parsers/markers.h"
#include "parsers/stage.h"
#include "parsers/tools.h"

namespace vecton::parsers {

// What a tool_choice leaves to the model.
enum class Calling {
  kNone,      // what looks like a call is content
  kAuto,      // calls in the model's own format
  kRequired,  // all of the answer is a JSON list of calls, or calls in the model's own format
  kNamed,     // all of the answer is the arguments of one call, or that call in the own format
};

struct ParserOptions {
  Choice formats{};
  Calling calling = Calling::kNone;
  std::string named{};      // the function of kNamed
  bool own_format = false;  // of kRequired and kNamed
  Tools tools{};
  // The prompt, whose end says whether the answer begins within thinking.
  std::string prompt{};
  bool continues = false;  // the prompt ends within the answer's own text
  // Texts of special tokens that are no part of content.
  std::vector<std::string> special_tokens{};
};

class AnswerParser {
 public:
  // Throws Error (kInvalidArgument) for an unknown format.
  explicit AnswerParser(ParserOptions options);
  AnswerParser(const AnswerParser&) = delete;
  AnswerParser& operator=(const AnswerParser&) = delete;

  // What `text` adds.
  std::vector<Event> feed(std::string_view text);
  // What was held back, at the answer's end.
  std::vector<Event> finish();

  bool in_reasoning() const { return events_.in_reasoning(); }
  size_t calls() const { return events_.calls(); }

 private:
  std::unique_ptr<Stage> make_stage();
  void put(std::string_view text);

  const ParserOptions options_;
  Events events_;
  std::unique_ptr<Stage> stage_;
  Markers special_;
};

// Whether an answer to `prompt` begins within thinking.
bool starts_in_reasoning(const ReasoningFormat& format, std::string_view prompt, bool continues);

}  // namespace vecton::parsers
