#include "parsers/answer_parser.h"

#include <algorithm>
#include <utility>

#include "parsers/characters.h"
#include "parsers/harmony.h"
#include "parsers/json_calls.h"
#include "vecton/error.h"

namespace vecton::parsers {

namespace {

const CallFormat* call_format_of(const Choice& choice) {
  if (choice.tool_calls.empty()) return nullptr;
  const CallFormat* format = find_call_format(choice.tool_calls);
  if (!format) {
    throw Error(ErrorCode::kInvalidArgument,
                "tool-call-parser \"" + choice.tool_calls +
                    "\" is not known; known: " + call_format_names(),
                "tool_call_parser");
  }
  return format;
}

const ReasoningParser* reasoning_of(const Choice& choice) {
  if (choice.reasoning.empty()) return nullptr;
  const ReasoningParser* parser = find_reasoning_parser(choice.reasoning);
  if (!parser) {
    throw Error(ErrorCode::kInvalidArgument,
                "reasoning-parser \"" + choice.reasoning +
                    "\" is not known; known: " + reasoning_parser_names(),
                "reasoning_parser");
  }
  return parser;
}

// Special tokens that the formats do not read.
std::vector<std::string> dropped(const ParserOptions& options) {
  std::vector<std::string> texts;
  const CallFormat* calls = call_format_of(options.formats);
  const ReasoningParser* reasoning = reasoning_of(options.formats);
  for (const std::string& text : options.special_tokens) {
    const auto mentions = [&](const std::string& marker) {
      return marker.find(text) != std::string::npos;
    };
    bool read = text.empty() || (calls && calls->tokens.find(text) != std::string_view::npos);
    if (reasoning) {
      const ReasoningFormat& format = reasoning->format;
      read = read || std::any_of(format.opens.begin(), format.opens.end(), mentions) ||
             std::any_of(format.closes.begin(), format.closes.end(), mentions);
      for (const auto& [open, close] : format.wrappers)
        read = read || mentions(open) || mentions(close);
    }
    if (!read) texts.push_back(text);
  }
  return texts;
}

size_t last(const std::vector<std::string>& markers, std::string_view text) {
  size_t at = 0;  // one past where it begins
  for (const std::string& marker : markers) {
    const size_t found = text.rfind(marker);
    if (found != std::string_view::npos) at = std::max(at, found + 1);
  }
  return at;
}

}  // namespace

bool starts_in_reasoning(const ReasoningFormat& format, std::string_view prompt, bool continues) {
  if (continues) return last(format.opens, prompt) > last(format.closes, prompt);
  const std::string_view end = trimmed(prompt);
  return std::any_of(format.opens.begin(), format.opens.end(),
                     [&](const std::string& open) { return end.ends_with(open); });
}

AnswerParser::AnswerParser(ParserOptions options)
    : options_(std::move(options)),
      events_(!options_.formats.tool_calls.empty() || !options_.formats.reasoning.empty()),
      stage_(make_stage()),
      special_(dropped(options_)) {}

std::unique_ptr<Stage> AnswerParser::make_stage() {
  const CallFormat* calls = call_format_of(options_.formats);
  const ReasoningParser* reasoning = reasoning_of(options_.formats);
  const bool harmony =
      (calls && calls->name == kHarmony) || (reasoning && reasoning->name == kHarmony);
  std::unique_ptr<Stage> stage;
  std::vector<std::string> interrupts;
  switch (options_.own_format ? Calling::kAuto : options_.calling) {
    case Calling::kNone:
      break;
    case Calling::kAuto:
      if (!calls || harmony) break;
      stage = calls->make(events_, options_.tools);
      interrupts = calls->interrupts;
      break;
    case Calling::kRequired:
      stage = std::make_unique<JsonCalls>(JsonCallFormat{.markers = {.bare = "[{"}}, events_,
                                          options_.tools);
      break;
    case Calling::kNamed:
      stage = std::make_unique<NamedCall>(options_.named, events_);
      break;
  }
  if (harmony) return std::make_unique<HarmonyStage>(events_, options_.tools, std::move(stage));
  if (!stage) stage = std::make_unique<ContentStage>(events_);
  if (!reasoning) return stage;
  const bool inside = starts_in_reasoning(reasoning->format, options_.prompt, options_.continues);
  return std::make_unique<ReasoningStage>(reasoning->format, interrupts, inside, events_,
                                          std::move(stage));
}

void AnswerParser::put(std::string_view text) {
  for (const char c : text) stage_->put(c);
}

std::vector<Event> AnswerParser::feed(std::string_view text) {
  for (const char c : text) {
    std::string passed;
    special_.put(c, passed);
    put(passed);
  }
  return events_.take();
}

std::vector<Event> AnswerParser::finish() {
  put(special_.flush());
  stage_->finish();
  events_.finish();
  return events_.take();
}

}  // namespace vecton::parsers
