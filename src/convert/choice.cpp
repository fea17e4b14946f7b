#include "convert/choice.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>

#include "checkpoint/name_text.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "convert/target.h"
#include "convert/text_settings.h"
#include "vecton/error.h"

namespace vecton::convert {

namespace {

struct NamedRecipe {
  std::string_view name;
  int low, high;
};
constexpr NamedRecipe kRecipes[] = {
    {"mixed_2_6", 2, 6}, {"mixed_3_4", 3, 4}, {"mixed_3_6", 3, 6}, {"mixed_4_6", 4, 6}};

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::optional<int64_t> number_of(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

json::object entry_of(const quantise::Scheme& scheme) {
  return {{"group_size", scheme.group},
          {"bits", scheme.bits},
          {"mode", quantise::to_string(scheme.mode)}};
}

constexpr quantise::Scheme kMxfp4{.mode = quantise::Mode::kMxfp4, .bits = 4, .group = 32};

}  // namespace

Choice::Choice(const std::optional<quantise::Scheme>& all, const std::string& recipe,
               bool group_given, Layout layout, const json::object& config,
               const std::vector<NewTensor>& tensors)
    : all_(all),
      layout_(layout),
      rules_(mlx_rules(config)),
      entries_(entry_of(all.value_or(kMxfp4))) {
  each_ = std::ranges::any_of(tensors, [&](const NewTensor& one) { return stays_mxfp4(one); });
  if (each_) entries_ = entry_of(kMxfp4);
  if (!all || recipe.empty()) return;
  const auto* known = std::ranges::find(kRecipes, recipe, &NamedRecipe::name);
  if (known == std::end(kRecipes))
    refuse_option("--quant-predicate",
                  checkpoint::quoted_text(recipe) +
                      " is not known: expected mixed_2_6, mixed_3_4, mixed_3_6 or "
                      "mixed_4_6");
  if (!all->affine())
    refuse_option("--quant-predicate", "recipes are of --q-mode affine, not " +
                                           std::string(quantise::to_string(all->mode)));
  if (layout != Layout::kMlxLm)
    refuse_option("--quant-predicate", "recipes are of --layout mlx-lm, not " + to_string(layout));
  const std::optional<int64_t> layers = text_number(config, "num_hidden_layers");
  if (!layers) refuse_option("--quant-predicate", "config.json has no num_hidden_layers");
  recipe_ = Recipe{.low = known->low,
                   .high = known->high,
                   .layer_place = 0,
                   .layers = *layers,
                   .group_given = group_given};
  for (const NewTensor& tensor : tensors) {
    const std::string module = tensor.module();
    if (!has(module, "down_proj")) continue;
    const auto parts = split(module);
    const auto place = std::ranges::find_if(
        parts, [](std::string_view part) { return number_of(part).has_value(); });
    recipe_->layer_place = static_cast<size_t>(place - parts.begin());
    return;
  }
  refuse_option("--quant-predicate", "the model has no layers down_proj, which recipes go by");
}

// The layers at both ends, and every third between them.
bool Choice::takes_more_bits(const std::string& module) const {
  const auto parts = split(module);
  const bool in_layer = parts.size() > recipe_->layer_place;
  const int64_t layer = in_layer ? number_of(parts[recipe_->layer_place]).value_or(0) : 0;
  const int64_t eighth = recipe_->layers / 8, between = (layer - eighth) % 3;
  const bool chosen = layer < eighth || layer >= 7 * recipe_->layers / 8 || (between + 3) % 3 == 2;
  return has(module, "lm_head") ||
         (chosen && (has(module, "v_proj") || has(module, "v_a_proj") || has(module, "v_b_proj") ||
                     has(module, "down_proj")));
}

bool Choice::stays_mxfp4(const NewTensor& tensor) const {
  const auto in_mxfp4 = [](const checkpoint::StoredTensor& source) {
    return source.quantised &&
           (source.quantised->format == "MXFP4" || source.quantised->format == "MLX mxfp4");
  };
  return layout_ == Layout::kMlxLm && rules_.keeps_mxfp4 && tensor.of_matrices &&
         std::ranges::all_of(tensor.sources, in_mxfp4);
}

bool Choice::keeps_all(const std::vector<NewTensor>& tensors) const {
  return std::ranges::all_of(tensors, [&](const NewTensor& tensor) {
    const auto quantised = [](const auto& source) { return source.quantised != nullptr; };
    return std::ranges::none_of(tensor.sources, quantised) || stays_mxfp4(tensor);
  });
}

// What the family asks for, whatever was chosen for all.
std::optional<quantise::Scheme> Choice::own(const std::string& module) const {
  if (layout_ != Layout::kMlxLm) return std::nullopt;
  const auto ends = [&](std::string_view end) { return module.ends_with(end); };
  if (std::ranges::none_of(rules_.eight_bits, ends)) return std::nullopt;
  return quantise::Scheme{.mode = quantise::Mode::kAffine, .bits = 8, .group = 64};
}

std::optional<quantise::Scheme> Choice::of(const NewTensor& tensor,
                                           std::vector<std::string>& notes) {
  const std::string module = tensor.module();
  if (module.empty()) return std::nullopt;
  if (stays_mxfp4(tensor)) return kMxfp4;
  if (!all_) return std::nullopt;
  const auto ends = [&](std::string_view end) { return module.ends_with(end); };
  if (layout_ == Layout::kMlxLm && std::ranges::any_of(rules_.floats, ends)) return std::nullopt;
  const int64_t columns = tensor.shape.back();
  if (columns % all_->group != 0) {
    notes.push_back(checkpoint::name_text(module) + " is not quantised: its rows of " +
                    std::to_string(columns) + " are no multiple of the group size " +
                    std::to_string(all_->group));
    return std::nullopt;
  }
  if (recipe_) {
    quantise::Scheme scheme = *all_;
    scheme.bits = takes_more_bits(module) ? recipe_->high : recipe_->low;
    json::object entry = entry_of(scheme);
    if (!recipe_->group_given) entry["group_size"] = nullptr;
    entries_[module] = std::move(entry);
    return scheme;
  }
  const std::optional<quantise::Scheme> scheme = own(module);
  if (!scheme) {
    if (each_) entries_[module] = entry_of(*all_);
    return all_;
  }
  if (columns % scheme->group != 0)
    refuse_option("--q-group-size", module + ": its rows of " + std::to_string(columns) +
                                        " are no multiple of 64, the group of this layer's 8 bits");
  entries_[module] = {{"group_size", scheme->group}, {"bits", scheme->bits}};
  return scheme;
}

}  // namespace vecton::convert
