#include "models/composite.h"

#include <optional>
#include <span>

#include "models/decoder.h"

namespace vecton::models {

checkpoint::Config text_config(const checkpoint::Config& config) {
  const std::optional<checkpoint::Config> text = config.child("text_config");
  if (!text) return config;
  config.ignore({"vision_config", "audio_config"});
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

}  // namespace vecton::models
