#include "convert/mlx_form.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "convert/rearranged.h"
#include "convert/text_settings.h"

namespace vecton::convert {

namespace {

using checkpoint::StoredTensor;

// What stands before the end of a name, `end` a part of its path of its own.
std::optional<std::string> before_end(const std::string& name, std::string_view end) {
  if (!name.ends_with(end)) return std::nullopt;
  std::string before = name.substr(0, name.size() - end.size());
  return before.empty() || before.back() == '.' ? std::optional(before) : std::nullopt;
}

// Where gate's rows (0) or up's (1) are among a layer's: by turns, or in halves.
std::vector<int64_t> rows_of(int64_t part, bool by_turns, int64_t experts, int64_t width) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < experts * width; ++i) {
    const int64_t expert = i / width, row = i % width;
    rows.push_back(2 * width * expert + (by_turns ? 2 * row + part : width * part + row));
  }
  return rows;
}

class Experts {
 public:
  explicit Experts(const models::MlxExperts& rules) : rules_(rules) {}

  // Whether it was one of a layer's experts' and is in `made` now.
  bool split(const std::string& name, const StoredTensor& tensor, Tensors& made) const {
    for (const bool bias : {false, true}) {
      if (bias && !rules_.interleaved) continue;
      for (const std::string_view after : {"", ".weight"}) {
        const std::string end = std::string(bias ? "_bias" : "") + std::string(after);
        if (const auto layer = before_end(name, std::string(rules_.gate_up) + end)) {
          for (const int64_t part : {0, 1}) {
            made.emplace(mlx_name(*layer, part == 0 ? "gate_proj" : "up_proj", bias),
                         bias ? part_of_bias(tensor, part) : part_of(tensor, after.empty(), part));
          }
          return true;
        }
        if (const auto layer = before_end(name, std::string(rules_.all_down) + end)) {
          made.emplace(mlx_name(*layer, "down_proj", bias),
                       bias ? tensor : as_rows(tensor, after.empty()));
          return true;
        }
      }
    }
    return false;
  }

 private:
  std::string mlx_name(const std::string& layer, const char* matrix, bool bias) const {
    return layer + std::string(rules_.place) + "." + matrix + (bias ? ".bias" : ".weight");
  }

  // [experts, outputs, inputs]: interleaved ones have their inputs first where they are `bare`, no
  // weight of a layer by their names.
  StoredTensor as_rows(const StoredTensor& tensor, bool bare) const {
    const bool turned = rules_.interleaved && bare;
    if (tensor.shape.size() != 3) {
      refuse_shape(tensor, turned ? "experts of matrices, inputs by outputs"
                                  : "experts of matrices, outputs by inputs");
    }
    return turned ? transposed(tensor) : tensor;
  }

  StoredTensor part_of(const StoredTensor& tensor, bool bare, int64_t part) const {
    const StoredTensor whole = as_rows(tensor, bare);
    const int64_t experts = whole.shape[0], width = whole.shape[1] / 2, columns = whole.shape[2];
    if (whole.shape[1] % 2 != 0)
      refuse_shape(tensor, "experts of matrices with as much of gate as of up");
    return some_rows(whole, columns, rows_of(part, rules_.interleaved, experts, width),
                     {experts, width, columns});
  }

  StoredTensor part_of_bias(const StoredTensor& tensor, int64_t part) const {
    if (tensor.shape.size() != 2 || tensor.shape[1] % 2 != 0 || tensor.quantised)
      refuse_shape(tensor, "an even number of values for each expert");
    const int64_t experts = tensor.shape[0], width = tensor.shape[1] / 2;
    return some_rows(tensor, 1, rows_of(part, rules_.interleaved, experts, width),
                     {experts, width});
  }

  const models::MlxExperts& rules_;
};

// Of latent attention: a head has `still` rows of keys over those of values.
struct LatentHeads {
  int64_t heads = 0, still = 0, values = 0;

  explicit LatentHeads(const json::object& config)
      : heads(text_number(config, "num_attention_heads").value_or(0)),
        still(text_number(config, "qk_nope_head_dim").value_or(0)),
        values(text_number(config, "v_head_dim").value_or(0)) {}

  bool split(const std::string& name, const StoredTensor& tensor, Tensors& made) const {
    const auto layer = before_end(name, "kv_b_proj.weight");
    if (!layer) return false;
    const int64_t each = still + values;
    if (heads < 1 || still < 1 || values < 1 || tensor.shape.size() != 2 ||
        tensor.shape[0] != heads * each) {
      refuse_shape(tensor,
                   "as many rows as num_attention_heads times qk_nope_head_dim and v_head_dim of "
                   "config.json");
    }
    const int64_t rank = tensor.shape[1];
    const auto part = [&](int64_t begin, int64_t n) {
      std::vector<int64_t> rows;
      for (int64_t i = 0; i < heads * n; ++i) rows.push_back(i / n * each + begin + i % n);
      return some_rows(tensor, rank, std::move(rows), {heads, n, rank});
    };
    made.emplace(*layer + "embed_q.weight", transposed(part(0, still)));
    made.emplace(*layer + "unembed_out.weight", part(still, values));
    return true;
  }
};

// Puts the channels of convolutions last; one channel leaves the bytes as they are. Whether there
// were any that had them before their taps, as no checkpoint of MLX's has them.
bool put_channels_last(const models::MlxRules& rules, Tensors& tensors) {
  bool any = false;
  for (auto& [name, tensor] : tensors) {
    std::vector<int64_t>& shape = tensor.shape;
    if (rules.convolution.empty() || !name.ends_with(rules.convolution) || shape.size() != 3 ||
        shape[1] != 1 || shape[2] == 1)
      continue;
    std::swap(shape[1], shape[2]);
    any = true;
  }
  return any;
}

}  // namespace

void to_mlx_form(const json::object& config, Tensors& tensors) {
  const models::MlxRules rules = mlx_rules(config);
  if (put_channels_last(rules, tensors)) {
    for (auto& entry : tensors) {  // their norms lack the 1
      const auto ends = [&](std::string_view end) { return entry.first.ends_with(end); };
      if (std::ranges::any_of(rules.plus_one, ends) && entry.second.shape.size() == 1)
        entry.second = plus_one(entry.second);
    }
  }
  const auto experts = rules.experts ? std::optional<Experts>(*rules.experts) : std::nullopt;
  const auto heads = rules.latent_heads ? std::optional<LatentHeads>(config) : std::nullopt;
  Tensors made;
  for (auto& [name, tensor] : tensors) {
    const bool split = (experts && experts->split(name, tensor, made)) ||
                       (heads && heads->split(name, tensor, made));
    if (!split) made.emplace(name, std::move(tensor));
  }
  tensors = std::move(made);
}

}  // namespace vecton::convert
