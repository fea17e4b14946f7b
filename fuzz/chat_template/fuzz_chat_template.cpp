// Any bytes as a chat template, and behind a zero byte as JSON of further variables: refused with
// an Error, or rendered within the bounds, to the same text each time.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "chat/conversation.h"
#include "chat/parser.h"
#include "vecton/error.h"

namespace {

using vecton::chat::Heap;

constexpr const char* kMessages =
    R"([{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"é 東"},{"type":"image"}]},)"
    R"({"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f","arguments":{"x":1,"y":[1.5,true,null]}}}]},)"
    R"({"role":"tool","content":" 42\n"}])";
constexpr const char* kTools =
    R"([{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"x":{"type":"integer"}}}}}])";

std::string render(const vecton::chat::Program& program, std::string_view text,
                   const vecton::ChatInput& input) {
  // Less than what a program gives, so that an input that wants it all takes little time.
  Heap heap({.steps = 200'000, .memory = 8 << 20, .output = 1 << 20});
  return vecton::chat::render_conversation(heap, program, text, input, {{"bos_token", "<s>"}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t zero = bytes.find('\0');
  const std::string_view text = bytes.substr(0, zero);
  try {
    const auto program = vecton::chat::parse_program(text);
    vecton::ChatInput input;
    input.messages = kMessages;
    input.tools = kTools;
    if (zero != std::string_view::npos) input.variables = bytes.substr(zero + 1);
    input.now.emplace();
    const std::string prompt = render(*program, text, input);
    if (render(*program, text, input) != prompt) std::abort();
    input.continue_final_message = "content";
    render(*program, text, input);
  } catch (const vecton::Error&) {
  }
  return 0;
}
