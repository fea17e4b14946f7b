#include "parsers/content_beginning.h"

#include <algorithm>
#include <string_view>

namespace vecton::parsers {

ContentBeginning content_beginning(const ParserOptions& parser) {
  if (parser.formats.reasoning == kHarmony || parser.formats.tool_calls == kHarmony) {
    if (parser.own_format) return {};
    return {.after = "<|channel|>final<|message|>"};
  }
  const ReasoningParser* reasoning = find_reasoning_parser(parser.formats.reasoning);
  if (!reasoning) return {};
  const ReasoningFormat& format = reasoning->format;
  std::string_view prompt = parser.prompt;
  while (!prompt.empty() && (prompt.back() == '\n' || prompt.back() == ' '))
    prompt.remove_suffix(1);
  const bool inside = starts_in_reasoning(format, prompt, parser.continues);
  const bool closed =
      std::any_of(format.closes.begin(), format.closes.end(),
                  [&](const std::string& close) { return prompt.ends_with(close); });
  if (!inside && (closed || parser.continues)) return {};
  ContentBeginning beginning{.after = format.closes.front()};
  if (!inside) beginning.thinking = format.opens.front();
  return beginning;
}

}  // namespace vecton::parsers
