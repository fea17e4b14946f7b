// Any bytes as a tokenizer.json: refused with an Error, or a tokenizer that encodes and decodes
// without harm.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tokenizer/pipeline.h"
#include "tokenizer/truncation.h"

namespace {

constexpr std::string_view kTexts[] = {
    "",
    " ",
    "Hello, world! It's 2024-01-02, isn't it?\r\n\n  naïve café",
    "हिन्दी 中文字符 한국어 e\u0301\u0323 \U0001F469\u200D\U0001F467 İ ﬁ [MASK] <s>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

void use(const vecton::tokenizer::Pipeline& pipeline, std::string_view text, bool spans) {
  vecton::tokenizer::Tokens tokens, pair;
  tokens.with_spans = pair.with_spans = spans;
  pipeline.encode(text, tokens);
  pipeline.encode("a b", pair);
  if (spans) pipeline.trim_offsets(tokens, text);
  vecton::Encoding encoding;
  pipeline.post_processor().assemble(tokens, &pair, true, encoding);
  pipeline.decode(encoding.ids, false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const vecton::tokenizer::Pipeline pipeline({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const std::string_view text : kTexts) {
      for (const bool spans : {false, true}) {
        try {
          use(pipeline, text, spans);
        } catch (const vecton::Error&) {
        }
      }
    }
  } catch (const vecton::Error&) {
  }
  return 0;
}
