#include "convert/delta_nets.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/name_text.h"
#include "checkpoint/shape.h"
#include "convert/rearranged.h"
#include "vecton/error.h"

namespace vecton::convert {

namespace {

using checkpoint::StoredTensor;

constexpr std::string_view kPlace = ".linear_attn.";

struct Heads {
  int64_t keys = 0, values = 0;            // how many
  int64_t key_width = 0, value_width = 0;  // rows of one

  explicit Heads(const json::object& config)
      : keys(config.at("linear_num_key_heads").as_int64()),
        values(config.at("linear_num_value_heads").as_int64()),
        key_width(config.at("linear_key_head_dim").as_int64()),
        value_width(config.at("linear_value_head_dim").as_int64()) {}

  int64_t values_of_key() const { return values / keys; }
};

// Rows or columns of a tensor, as `shape` counts them: `fixed` for each key head, and after them
// `width` for each value head.
struct Part {
  std::string_view name;
  int64_t fixed = 0, width = 1;
  bool columns = false;
};

// An error unless there are as many along this dimension.
void check_size(const StoredTensor& tensor, bool columns, const Heads& heads, const Part& part) {
  const auto of_keys = checkpoint::shape_product(std::vector{heads.keys, part.fixed}),
             of_values = checkpoint::shape_product(std::vector{heads.values, part.width});
  const int64_t found = tensor.shape.empty() ? 0
                        : columns            ? tensor.shape.back()
                                             : tensor.shape.front();
  if (!of_keys || !of_values || *of_keys > found || found - *of_keys != *of_values)
    refuse_shape(tensor, std::to_string(part.fixed) + (columns ? " columns" : " rows") +
                             " for each of " + std::to_string(heads.keys) + " key heads and " +
                             std::to_string(part.width) + " for each of " +
                             std::to_string(heads.values) + " value heads");
}

// Where each row (or column) of the checkpoint's lies in the file's.
std::vector<int64_t> grouped(const Heads& heads, const Part& part) {
  std::vector<int64_t> order;
  const int64_t before = heads.keys * part.fixed;
  for (int64_t i = 0; i < before; ++i) order.push_back(i);
  for (int64_t head = 0; head < heads.values; ++head) {
    const int64_t key = head / heads.values_of_key(), turn = head % heads.values_of_key();
    for (int64_t i = 0; i < part.width; ++i)
      order.push_back(before + (turn * heads.keys + key) * part.width + i);
  }
  return order;
}

void group_values(const Heads& heads, Tensors& tensors) {
  const int64_t width = heads.value_width, twice = 2 * heads.key_width;
  const Part parts[] = {{.name = "in_proj_qkv.weight", .fixed = twice, .width = width},
                        {.name = "conv1d.weight", .fixed = twice, .width = width},
                        {.name = "in_proj_z.weight", .width = width},
                        {.name = "in_proj_a.weight"},
                        {.name = "in_proj_b.weight"},
                        {.name = "A_log"},
                        {.name = "dt_bias"},
                        {.name = "out_proj.weight", .width = width, .columns = true}};
  for (auto& [name, tensor] : tensors) {
    for (const Part& part : parts) {
      if (!name.ends_with(std::string(kPlace) + std::string(part.name))) continue;
      check_size(tensor, part.columns, heads, part);
      if (part.columns) {
        if (tensor.shape.size() != 2) refuse_shape(tensor, "a matrix");
        tensor = some_columns(tensor, grouped(heads, part));
      } else {
        const int64_t all = checkpoint::shape_product(tensor.shape).value_or(0);
        tensor = some_rows(tensor, all / tensor.shape.front(), grouped(heads, part), tensor.shape);
      }
    }
  }
}

// Rows of both, counted one after the other.
std::vector<int64_t> by_key_heads(const Heads& heads) {
  const int64_t d = heads.key_width, each = heads.values_of_key() * heads.value_width,
                keys = heads.keys * d;
  const std::pair<int64_t, int64_t> parts[] = {// where each begins, and its rows of a key head
                                               {0, d},
                                               {keys, d},
                                               {2 * keys, each},
                                               {2 * keys + heads.keys * each, each}};
  std::vector<int64_t> order;
  for (int64_t key = 0; key < heads.keys; ++key) {
    for (const auto& [begin, rows] : parts) {
      for (int64_t i = 0; i < rows; ++i) order.push_back(begin + key * rows + i);
    }
  }
  return order;
}

void join_gates(const Heads& heads, Tensors& tensors) {
  constexpr std::string_view kRows = "in_proj_qkv.weight", kGates = "in_proj_z.weight",
                             kBoth = "in_proj_qkvz.weight";
  std::vector<std::string> layers;
  for (const auto& entry : tensors) {
    const std::string_view name = entry.first;
    if (name.ends_with(std::string(kPlace) + std::string(kRows)))
      layers.emplace_back(name.substr(0, name.size() - kRows.size()));
  }
  for (const std::string& layer : layers) {
    const auto rows = tensors.find(layer + std::string(kRows)),
               gates = tensors.find(layer + std::string(kGates));
    if (gates == tensors.end())
      throw Error(ErrorCode::kCorrupt, checkpoint::title(rows->second) + ": has no gate beside it");
    check_size(rows->second, false, heads,
               {.name = kRows, .fixed = 2 * heads.key_width, .width = heads.value_width});
    check_size(gates->second, false, heads, {.name = kGates, .width = heads.value_width});
    if (rows->second.shape.size() != 2) refuse_shape(rows->second, "a matrix");
    if (gates->second.shape.size() != 2 || gates->second.shape[1] != rows->second.shape[1])
      refuse_shape(gates->second, "as many columns as " + checkpoint::title(rows->second) + " has");
    StoredTensor both = joined_rows(rows->second, gates->second, by_key_heads(heads));
    tensors.erase(rows);
    tensors.erase(gates);
    tensors.emplace(layer + std::string(kBoth), std::move(both));
  }
}

}  // namespace

void group_delta_nets(json::object& config, Tensors& tensors) {
  constexpr std::string_view kInTurn = "linear_value_heads_in_turn";
  if (!config.contains("linear_num_key_heads")) return;
  const Heads heads(config);
  if (!config.contains(kInTurn)) return join_gates(heads, tensors);
  config.erase(kInTurn);
  if (heads.values != heads.keys) group_values(heads, tensors);
}

}  // namespace vecton::convert
