#include "checkpoint/gguf/names.h"

#include <algorithm>
#include <span>

#include "checkpoint/gguf/name_rules.h"

namespace vecton::checkpoint {

namespace {

const GgufNames* names_of(std::string_view architecture) {
  for (const auto& list : {gguf_decoder_names(), gguf_mixture_names(), gguf_encoder_names()}) {
    const auto found = std::ranges::find(list, architecture, &GgufNames::architecture);
    if (found != list.end()) return &*found;
  }
  return nullptr;
}

// ".weight" or ".bias", or nothing.
std::string_view ending_of(std::string_view name) {
  for (const std::string_view ending : {".weight", ".bias"}) {
    if (name.ends_with(ending)) return name.substr(name.size() - ending.size());
  }
  return {};
}

std::optional<GgufName> find(std::span<const GgufRule> rules, std::string_view name,
                             std::string_view before) {
  const std::string_view ending = ending_of(name),
                         stem = name.substr(0, name.size() - ending.size());
  for (const GgufRule& rule : rules) {
    if (rule.gguf != (rule.whole ? name : stem) || (ending.empty() && !rule.whole)) continue;
    if (rule.own.empty()) return GgufName{};
    return GgufName{
        std::string(before) + std::string(rule.own) + std::string(rule.whole ? "" : ending),
        rule.change};
  }
  return std::nullopt;
}

}  // namespace

std::optional<GgufName> checkpoint_name(std::string_view architecture, std::string_view tensor) {
  constexpr std::string_view kBlock = "blk.";
  const GgufNames* names = names_of(architecture);
  if (!names) return std::nullopt;
  if (!tensor.starts_with(kBlock)) return find(names->model, tensor, "");
  tensor.remove_prefix(kBlock.size());
  const size_t dot = tensor.find('.');
  const std::string_view number = tensor.substr(0, dot);
  if (dot == tensor.npos || number.empty() || number.find_first_not_of("0123456789") != number.npos)
    return std::nullopt;
  const std::string before = std::string(names->layers) + std::string(number) + ".";
  tensor.remove_prefix(dot + 1);
  // What predicts more tokens at once lies behind the layers, and is none of them.
  if (tensor.starts_with("nextn.")) return GgufName{before + std::string(tensor)};
  for (const std::span<const GgufRule> rules : names->layer) {
    if (auto found = find(rules, tensor, before)) return found;
  }
  return std::nullopt;
}

}  // namespace vecton::checkpoint
