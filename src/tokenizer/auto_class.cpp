#include "tokenizer/auto_class.h"

#include <algorithm>
#include <array>

namespace vecton::tokenizer {

namespace {

// Models whose tokenizer is what their tokenizer.json says, whatever class is named for it.
constexpr std::array<std::string_view, 50> kFileAlone = {"arctic",
                                                         "chatlm",
                                                         "ernie4_5",
                                                         "flex_olmo",
                                                         "fuyu",
                                                         "glm",
                                                         "glm4",
                                                         "glm4_moe",
                                                         "gpt_bigcode",
                                                         "granite",
                                                         "granitemoe",
                                                         "internlm2",
                                                         "internlm3",
                                                         "jamba",
                                                         "kimi_k25",
                                                         "kimi_linear",
                                                         "llava",
                                                         "llava_next",
                                                         "minicpm3",
                                                         "minicpmv",
                                                         "minimax_m2",
                                                         "ministral",
                                                         "ministral3",
                                                         "mistral",
                                                         "mistral3",
                                                         "mixtral",
                                                         "modernbert",
                                                         "molmo",
                                                         "modernbert-decoder",
                                                         "molmo2",
                                                         "nemotron",
                                                         "nystromformer",
                                                         "olmo2",
                                                         "olmo3",
                                                         "paddleocr_vl",
                                                         "pegasus_x",
                                                         "persimmon",
                                                         "phi3",
                                                         "phi3_v",
                                                         "phimoe",
                                                         "pixtral",
                                                         "smolvlm",
                                                         "stablelm",
                                                         "step3_vl",
                                                         "umt5",
                                                         "vipllava",
                                                         "voxtral",
                                                         "xlm-roberta-xl",
                                                         "glm4v",
                                                         "granitemoehybrid"};

// Models whose files often name a wrong class: their own counts.
constexpr std::array<std::string_view, 4> kOwnClass = {"qwen2", "qwen3_5", "qwen3_5_moe",
                                                       "qwen3_5_moe_text"};

bool contains(const auto& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

}  // namespace

NamedClass NamedClass::read(const std::filesystem::path& folder,
                            const TokenizerSettings& settings) {
  NamedClass named{.tokenizer_class = settings.tokenizer_class, .model_type = ""};
  if (const std::filesystem::path file = folder / "config.json"; std::filesystem::exists(file)) {
    const json::value document = base::read_json(file);
    const Field root(document, file.string() + ":");
    named.model_type = root.string_or("model_type", "");
    if (named.tokenizer_class.empty())
      named.tokenizer_class = root.string_or("tokenizer_class", "");
  }
  if (named.tokenizer_class.ends_with("Fast"))
    named.tokenizer_class.resize(named.tokenizer_class.size() - 4);
  return named;
}

const TokenizerClass* class_above_file(const NamedClass& named, bool byte_level) {
  if (contains(kFileAlone, named.model_type)) return nullptr;
  if (named.tokenizer_class.empty() || contains(kOwnClass, named.model_type))
    return find_tokenizer_class_of_model(named.model_type);
  // Llama 3 and others kept the name of a class that is not theirs.
  if (named.tokenizer_class == "LlamaTokenizer" && byte_level) return nullptr;
  return find_tokenizer_class(named.tokenizer_class);
}

}  // namespace vecton::tokenizer
