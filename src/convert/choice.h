// Which layers of a model are quantised, and how: MLX's rules, recipes and families with rules of
// their own, and what config.json says of it. Used by convert.cpp, from one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "convert/layout.h"
#include "quantise/scheme.h"

namespace vecton::convert {

class Choice {
 public:
  // `all` is none where nothing is quantised that was not. `group_given`: whether a recipe's
  // entries have the group size, as mlx-lm writes them. Errors name the option.
  Choice(const std::optional<quantise::Scheme>& all, const std::string& recipe, bool group_given,
         Layout layout, const json::object& config, const std::vector<NewTensor>& tensors);

  // Null where the tensor stays as it is; then `notes` says so of a layer. Remembers what
  // config.json needs.
  std::optional<quantise::Scheme> of(const NewTensor& tensor, std::vector<std::string>& notes);

  // Whether all that is quantised stays as it is, by the family's rules.
  bool keeps_all(const std::vector<NewTensor>& tensors) const;

  // The object "quantization" of config.json.
  const json::object& entries() const { return entries_; }

 private:
  std::optional<quantise::Scheme> own(const std::string& module) const;
  bool takes_more_bits(const std::string& module) const;
  bool stays_mxfp4(const NewTensor& tensor) const;

  std::optional<quantise::Scheme> all_;
  Layout layout_;
  models::MlxRules rules_;
  json::object entries_;
  bool each_ = false;  // every layer has an entry, as the one of all says what was there before
  struct Recipe {
    int low = 0, high = 0;
    size_t layer_place = 0;  // of the layer's number in a path
    int64_t layers = 0;
    bool group_given = false;
  };
  std::optional<Recipe> recipe_;
};

}  // namespace vecton::convert
