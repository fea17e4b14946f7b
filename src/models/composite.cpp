#include "models/composite.h"

#include <optional>
#include <span>
#include <string>

#include "base/json.h"
#include "checkpoint/config_keys.h"
#include "models/decoder.h"
#include "vecton/error.h"

namespace vecton::models {

checkpoint::Config vlm_config(const checkpoint::Config& config) {
  const std::optional<checkpoint::Config> vlm = config.child("vlm_config");
  return vlm ? *vlm : config;
}

void check_alike(const checkpoint::Config& config, const checkpoint::Config& text) {
  for (const auto& [key, value] : config.values()) {
    const json::value* own = text.values().if_contains(key);
    if (!own) continue;
    const bool matters =
        checkpoint::known_config_key(key).meaning == checkpoint::KeyMeaning::kChangesResult;
    if (matters && !value.is_null() && value != *own) {
      throw Error(ErrorCode::kCorrupt,
                  config.file() + ": " + std::string(key) + " is " + json::serialize(value) +
                      ", and " + json::serialize(*own) + " in text_config; expected one value");
    }
    config.ignore({std::string_view(key)});
  }
}

checkpoint::Config text_config(const checkpoint::Config& config) {
  const std::optional<checkpoint::Config> text = config.child("text_config");
  if (!text) return config;
  // MLX asks for vocab_size here; text_config has the one that counts.
  config.ignore({"vision_config", "audio_config", "vocab_size"});
  return *text;
}

void prepare_text_model(const ModelShape& shape, checkpoint::Weights& weights,
                        std::initializer_list<std::string_view> others) {
  const checkpoint::Weights::Rename prefixes[] = {{"model.language_model.", ""},
                                                  {"language_model.model.", ""},
                                                  {"language_model.lm_head.", "lm_head."},
                                                  {"model.", ""}};
  weights.rename_prefixes(prefixes);
  weights.skip(std::span(others.begin(), others.size()));
  prepare_decoder(shape, weights);
}

void check_projection(const checkpoint::Config& config, const checkpoint::Weights& projection) {
  for (const std::string_view key :
       {std::string_view("embed_dim"), std::string_view("embedding_dim"), kKeptDimensions,
        std::string_view("dim")}) {
    if (!projection.has("weight") || !config.has(key)) continue;
    const int64_t said = config.integer(key), rows = projection.rows_of("weight");
    if (said == rows || (said < rows && key == kKeptDimensions)) continue;
    throw Error(said < rows ? ErrorCode::kUnsupported : ErrorCode::kCorrupt,
                config.file() + ": " + std::string(key) + " is " + std::to_string(said) +
                    ", the projection gives " + std::to_string(rows) +
                    " numbers a token; a part of them is not supported");
  }
}

}  // namespace vecton::models
