#include "tokenizer/gguf_pre_tokenizers.h"

#include <algorithm>
#include <iterator>

#include "tokenizer/document_builder.h"
#include "tokenizer/pattern.h"

namespace vecton::tokenizer {

namespace {

// Expressions that only a few have.
constexpr std::string_view kThreeDigits = "[0-9][0-9][0-9]";
constexpr std::string_view kFalconSigns = R"([\p{P}\$\+<=>\^~\|`]+)";
constexpr std::string_view kDefaultSigns = R"([\p{P}\$\+<=>\^~\|]+)";
constexpr std::string_view kNumberRun = R"(\p{N}+)", kOneNumber = R"(\p{N})";
constexpr std::string_view kBloomWords =
    " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+";
constexpr std::string_view kBailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kSeedCoder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Names: https://github.com/ggml-org/llama.cpp/blob/master/src/llama-vocab.cpp. What each stands
// for is what the tokenizer of the models so named does; "default" is what llama.cpp does.
const GgufPreTokenizer kPreTokenizers[] = {
    {.names = "gpt-2 phi-2 roberta-bpe modern-bert jina-es jina-de jina-v1-en jina-v2-es "
              "jina-v2-de jina-v2-code gigachat mellum olmo a.x-4.0 exaone4 mpt jais trillion "
              "granite-docling"},
    {.names = "smollm starcoder refact codeshell command-r exaone minerva-7b mellum2",
     .digits = true},
    {.names = "llama-bpe llama3 llama-v3 lfm2 falcon3 falcon-h1 pixtral midm-2.0 jina-v5-nano",
     .expressions = {kLlama3Expression},
     .ignore_merges = true,
     .adds_bos = true},
    {.names = "dbrx smaug-bpe glm4 chatglm-bpe", .expressions = {kLlama3Expression}},
    {.names = "qwen2 deepseek-r1-qwen kormo f2llmv2 megrez",
     .expressions = {kQwen2Expression},
     .nfc = true},
    {.names = "stablelm2 hunyuan solar-open grok-2", .expressions = {kQwen2Expression}},
    {.names = "qwen35", .expressions = {kQwen35Expression}, .nfc = true},
    {.names = "gpt-4o llama4 kanana2 talkie minimax-m2", .expressions = {kO200kExpression}},
    {.names = "granite-embed-multi-97m", .expressions = {kO200kExpression}, .ignore_merges = true},
    {.names = "tekken",
     .expressions = {kTekkenExpression},
     .ignore_merges = true,
     .adds_bos = true},
    {.names = "deepseek-v3 hunyuan-dense joyai-llm",
     .expressions = {kDeepSeekNumbers, kDeepSeekCjk, kDeepSeekWords}},
    {.names = "falcon", .expressions = {kFalconSigns, kGpt2Expression, kThreeDigits}},
    {.names = "poro-chat bloom gpt3-finnish", .expressions = {kBloomWords}},
    {.names = "viking", .expressions = {kBloomWords, kOneNumber}},
    {.names = "bailingmoe bailingmoe2 llada-moe", .expressions = {kBailing}},
    {.names = "seed-coder", .expressions = {kSeedCoder}},
    {.names = "default", .expressions = {kDefaultSigns, kGpt2Expression, kNumberRun, kThreeDigits}},
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
  for (const std::string_view expression : pre.expressions) {
    if (expression.empty()) break;
    steps.push_back(R"({"type":"Split","pattern":{"Regex":)" + json_text(expression) +
                    R"(},"behavior":"Isolated","invert":false})");
  }
  steps.push_back(
      std::string(R"({"type":"ByteLevel","trim_offsets":true,"add_prefix_space":false,)") +
      R"("use_regex":)" + (pre.expressions.front().empty() ? "true}" : "false}"));
  return steps;
}

}  // namespace vecton::tokenizer
