#include "tokenizer/gguf_pre_tokenizers.h"

#include <algorithm>
#include <iterator>

#include "tokenizer/document_builder.h"
#include "tokenizer/pattern.h"

namespace vecton::tokenizer {

namespace {

// Names: https://github.com/ggml-org/llama.cpp/blob/master/src/llama-vocab.cpp. What each stands
// for is what the tokenizer of the models so named does.
const GgufPreTokenizer kPreTokenizers[] = {
    {.names = "gpt-2 phi-2 roberta-bpe modern-bert jina-es jina-de jina-v1-en jina-v2-es "
              "jina-v2-de jina-v2-code gigachat mellum olmo"},
    {.names = "smollm starcoder refact codeshell", .digits = true},
    {.names = "llama-bpe llama3 llama-v3 lfm2 falcon3 falcon-h1 pixtral",
     .expression = kLlama3Expression,
     .ignore_merges = true,
     .adds_bos = true},
    {.names = "dbrx smaug-bpe", .expression = kLlama3Expression},
    {.names = "qwen2 deepseek-r1-qwen", .expression = kQwen2Expression, .nfc = true},
    {.names = "stablelm2", .expression = kQwen2Expression},
    {.names = "qwen35", .expression = kQwen35Expression, .nfc = true},
    {.names = "gpt-4o llama4", .expression = kO200kExpression},
};

bool names_it(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const size_t space = std::min(names.find(' '), names.size());
    if (names.substr(0, space) == name) return true;
    names.remove_prefix(std::min(space + 1, names.size()));
  }
  return false;
}

}  // namespace

const GgufPreTokenizer* find_gguf_pre_tokenizer(std::string_view name) {
  const auto* found = std::ranges::find_if(
      kPreTokenizers, [&](const GgufPreTokenizer& pre) { return names_it(pre.names, name); });
  return found == std::end(kPreTokenizers) || name.empty() ? nullptr : found;
}

std::string gguf_pre_tokenizer_names() {
  std::string names;
  for (const GgufPreTokenizer& pre : kPreTokenizers)
    names += (names.empty() ? "" : " ") + std::string(pre.names);
  for (size_t at = 0; (at = names.find(' ', at)) != names.npos; at += 2) names.replace(at, 1, ", ");
  return names;
}

std::vector<std::string> steps_of(const GgufPreTokenizer& pre) {
  std::vector<std::string> steps;
  if (pre.digits) steps.push_back(R"({"type":"Digits","individual_digits":true})");
  if (!pre.expression.empty()) {
    steps.push_back(R"({"type":"Split","pattern":{"Regex":)" + json_text(pre.expression) +
                    R"(},"behavior":"Isolated","invert":false})");
  }
  steps.push_back(
      std::string(R"({"type":"ByteLevel","trim_offsets":true,"add_prefix_space":false,)") +
      R"("use_regex":)" + (pre.expression.empty() ? "true}" : "false}"));
  return steps;
}

}  // namespace vecton::tokenizer
