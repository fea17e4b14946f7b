// Answers as tests read them: all that was said, whatever the pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parsers/answer_parser.h"

namespace vecton::parsers::testing {

struct Answer {
  std::string reasoning, content;
  std::vector<std::string> calls{};  // "f{...}"
  bool operator==(const Answer&) const = default;

  void add(const std::vector<Event>& events) {
    for (const Event& event : events) {
      switch (event.kind) {
        case Event::Kind::kReasoning:
          reasoning += event.text;
          break;
        case Event::Kind::kContent:
          content += event.text;
          break;
        case Event::Kind::kCall:
          calls.push_back(event.text);
          break;
        case Event::Kind::kArguments:
          calls.at(event.call) += event.text;
          break;
      }
    }
  }
};

inline std::ostream& operator<<(std::ostream& out, const Answer& answer) {
  out << "reasoning [" << answer.reasoning << "] content [" << answer.content << "]";
  for (const std::string& call : answer.calls) out << " call [" << call << "]";
  return out;
}

// f(a: string, n: integer, o: object, l: array, b: boolean, x: string or null), g().
inline Tools test_tools() {
  const json::value schema = json::parse(
      R"({"type":"object","properties":{"a":{"type":"string"},"n":{"type":"integer"},"o":{"type":"object"},)"
      R"("l":{"type":"array"},"b":{"type":"boolean"},"x":{"type":["string","null"]}}})");
  return {{"f", schema.get_object()}, {"g", {}}};
}

// `text` in pieces of `size` bytes.
inline Answer parse(const ParserOptions& options, std::string_view text, size_t size = SIZE_MAX) {
  AnswerParser parser(options);
  Answer answer;
  for (size_t at = 0; at < text.size(); at += std::min(size, text.size() - at))
    answer.add(parser.feed(text.substr(at, size)));
  answer.add(parser.finish());
  return answer;
}

}  // namespace vecton::parsers::testing
