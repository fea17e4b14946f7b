// Checkpoints of several models of which the text model is read: its settings are text_config's,
// its tensors have a prefix, and the others' are skipped by name. Called by the families.
#pragma once

#include <initializer_list>
#include <string_view>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/decoder.h"
#include "models/model.h"

namespace vecton::models {

// vlm_config, of models that are wrapped for retrieval, where there is one, else `config` itself.
checkpoint::Config vlm_config(const checkpoint::Config& config);

// Of a `config` that says the text model's settings beside its text_config as well: throws Error
// (kCorrupt) where one that changes numbers is another there, and takes them as read otherwise.
void check_alike(const checkpoint::Config& config, const checkpoint::Config& text);

// text_config where there is one, else `config` itself. The configs of the other parts are ignored.
checkpoint::Config text_config(const checkpoint::Config& config);

// Family::head of those whose head is that of a decoder with the settings that `text` gives.
template <checkpoint::Config (*text)(const checkpoint::Config&)>
checkpoint::HeadWeights text_head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                                  int64_t labels, const checkpoint::Weights& weights) {
  return decoder_head(text(config), kind, labels, weights);
}

// prepare_decoder() of the text model, whatever stands before its names; `others`: prefixes of
// tensors of the other parts, after "model." is taken away.
void prepare_text_model(const ModelShape& shape, checkpoint::Weights& weights,
                        std::initializer_list<std::string_view> others);

// The key of Ops-Colqwen3's config.json for the numbers of a token's vector: the first of those
// that its projection gives.
inline constexpr std::string_view kKeptDimensions = "dims";

// config.json counts what the projection of every token gives, under one of several names. Throws
// Error where it is not what `projection` ("linear") has; without one nothing is asked.
void check_projection(const checkpoint::Config& config, const checkpoint::Weights& projection);

}  // namespace vecton::models
