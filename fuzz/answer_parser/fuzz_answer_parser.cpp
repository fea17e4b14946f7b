// Any bytes as a model's answer: the first two choose the formats, the third the size of pieces.
// The answer is parsed without an error, to the same events in pieces and as a whole.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "parsers/answer_parser.h"
#include "parsers/test_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vecton::parsers;
  if (size < 3 || size > 4096) return 0;
  static const Tools tools = testing::test_tools();
  ParserOptions options;
  const auto& calls = call_formats();
  const auto& reasoning = reasoning_parsers();
  if (const size_t which = data[0] % (calls.size() + 1); which < calls.size()) {
    options.formats.tool_calls = calls[which].name;
    options.calling = Calling::kAuto;
  }
  if (const size_t which = data[1] % (reasoning.size() + 1); which < reasoning.size())
    options.formats.reasoning = reasoning[which].name;
  options.prompt = data[1] & 0x80 ? "<think>" : "";
  options.tools = tools;
  const std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);
  if (!(testing::parse(options, text) == testing::parse(options, text, data[2] % 16 + 1)))
    std::abort();
  return 0;
}
