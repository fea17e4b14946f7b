#include "models/registry.h"

#include <algorithm>
#include <string>
#include <vector>

#include "vecton/error.h"

// A line for each family: the namespace of its file, which ends with its kFamily.
#define VECTON_FAMILIES(F)   \
  F(bert)                    \
  F(modernbert)              \
  F(modernvbert)             \
  F(eurobert)                \
  F(gemma)                   \
  F(gemma2)                  \
  F(gemma3)                  \
  F(gemma3_text)             \
  F(gemma4)                  \
  F(lfm2)                    \
  F(lfm2_bidirectional)      \
  F(lfm2_moe)                \
  F(llama)                   \
  F(llama_bidirec)           \
  F(llava)                   \
  F(mistral)                 \
  F(mistral3)                \
  F(mixtral)                 \
  F(qwen2)                   \
  F(qwen2_vl)                \
  F(qwen2_5_vl)              \
  F(qwen2_moe)               \
  F(roberta)                 \
  F(jina_bert)               \
  F(distilbert)              \
  F(mpnet)                   \
  F(electra)                 \
  F(deberta_v2)              \
  F(nomic_bert)              \
  F(paligemma)               \
  F(gte)                     \
  F(qwen3)                   \
  F(qwen3_vl)                \
  F(qwen3_vl_nemotron_embed) \
  F(qwen3_moe)               \
  F(qwen3_next)              \
  F(qwen3_5)                 \
  F(qwen3_5_moe)             \
  F(clip)                    \
  F(siglip)                  \
  F(siglip2)                 \
  F(cohere2)                 \
  F(deepseek_v3)             \
  F(exaone4)                 \
  F(glm4_moe)                \
  F(glm4_moe_lite)           \
  F(gpt_oss)                 \
  F(granite)                 \
  F(granitemoe)              \
  F(minicpm3)                \
  F(olmo2)                   \
  F(olmo3)                   \
  F(paddleocr_vl)            \
  F(phi3)                    \
  F(phimoe)                  \
  F(smollm3)                 \
  F(static_embedding)

namespace vecton {

namespace models {

#define VECTON_DECLARE(name)   \
  namespace name {             \
  extern const Family kFamily; \
  }
VECTON_FAMILIES(VECTON_DECLARE)

}  // namespace models

}  // namespace vecton

namespace vecton::models {

std::span<const Family* const> model_families() {
#define VECTON_ADDRESS(name) &models::name::kFamily,
  static constexpr const Family* kFamilies[] = {VECTON_FAMILIES(VECTON_ADDRESS)};
  return kFamilies;
}

const Family* family_of_type(std::string_view model_type) {
  for (const Family* family : model_families()) {
    if (std::ranges::count(family->model_types, model_type) > 0) return family;
  }
  return nullptr;
}

const Family& find_family(const checkpoint::Config& config) {
  const std::vector<std::string> names = config.strings_or_empty("architectures");
  const std::string type = config.string_or("model_type", "");
  const std::string name = names.empty() ? "" : names.front();
  for (const Family* family : model_families()) {
    if (family->knows(name)) return *family;
  }
  if (const Family* family = family_of_type(type)) return *family;
  std::string known;
  for (const Family* family : model_families()) {
    known += (known.empty() ? "" : ", ") + std::string(family->name);
  }
  throw Error(ErrorCode::kUnsupported,
              config.file() + ": architectures \"" + name + "\" (model_type \"" + type +
                  "\") is not supported; the families there are: " + known);
}

checkpoint::Config config_without_file(const std::filesystem::path& folder,
                                       const json::object& overrides) {
  for (const Family* family : model_families()) {
    if (family->config) return family->config(folder, overrides);
  }
  throw Error(ErrorCode::kInternal, "no family has checkpoints without a config.json");
}

}  // namespace vecton::models
