#include "models/latent.h"

#include <cmath>
#include <numeric>
#include <vector>

#include "checkpoint/weight_rows.h"
#include "models/decoder.h"

namespace vecton::models {

namespace {

// Rows begin .. begin + n of each head's `step` rows.
std::vector<int64_t> rows_of_heads(int64_t heads, int64_t step, int64_t begin, int64_t n) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < heads * n; ++i) rows.push_back(i / n * step + begin + i % n);
  return rows;
}

// The same rows in the order in which their pairs turn.
std::vector<int64_t> turning_rows(std::vector<int64_t> rows, const LatentSettings& s,
                                  int64_t heads) {
  if (!s.interleaved) return rows;
  std::vector<int64_t> ordered;
  for (const int64_t i : half_split_rows(heads, s.rope_dim))
    ordered.push_back(rows[static_cast<size_t>(i)]);
  return ordered;
}

std::vector<float> picked(const std::vector<float>& values, const std::vector<int64_t>& rows) {
  std::vector<float> result;
  for (const int64_t row : rows) {
    if (!values.empty()) result.push_back(values[static_cast<size_t>(row)]);
  }
  return result;
}

// Keys and values of every head from a row: kv_b_proj has, head by head, keys over values; MLX has
// embed_q, what a query is taken through, and unembed_out, what gives values.
void add_heads(const LatentSettings& s, const checkpoint::Weights& layer,
               nn::LatentAttention& made) {
  const checkpoint::Weights w = layer.in_float32();  // a part of attention
  if (w.has("embed_q.weight")) {
    const tensor::Weight keys = w.stack("embed_q.weight", s.shape.heads, s.rank, s.still_dim),
                         values = w.stack("unembed_out.weight", s.shape.heads, s.value_dim, s.rank);
    for (int64_t head = 0; head < s.shape.heads; ++head) {
      made.key.push_back(w.linear_of(checkpoint::row_slice(keys, head * s.rank, s.rank)));
      made.value.push_back(
          w.linear_of(checkpoint::row_slice(values, head * s.value_dim, s.value_dim)));
    }
    return;
  }
  const int64_t each = s.still_dim + s.value_dim, all = s.shape.heads * each;
  const tensor::Weight both = w.matrix("kv_b_proj.weight", all, s.rank);
  const std::vector<float> values = w.values("kv_b_proj.weight", all, s.rank);
  for (int64_t head = 0; head < s.shape.heads; ++head) {
    std::vector<float> key(static_cast<size_t>(s.rank * s.still_dim));  // transposed
    for (int64_t i = 0; i < s.still_dim; ++i) {
      for (int64_t j = 0; j < s.rank; ++j)
        key[static_cast<size_t>(j * s.still_dim + i)] =
            values[static_cast<size_t>((head * each + i) * s.rank + j)];
    }
    made.key.push_back({.w = w.computed(std::move(key), s.rank, s.still_dim), .bias = {}});
    made.value.push_back(
        w.linear_of(checkpoint::row_slice(both, head * each + s.still_dim, s.value_dim)));
  }
}

double yarn_factor(const checkpoint::Config& config) {
  for (const char* place : {"rope_scaling", "rope_parameters"}) {
    const std::optional<checkpoint::Config> scaling = config.child(place);
    if (!scaling || !scaling->has("mscale_all_dim")) continue;
    const double all = scaling->number("mscale_all_dim"), factor = scaling->number_or("factor", 1);
    return all == 0 || factor <= 1 ? 1 : 0.1 * all * std::log(factor) + 1;
  }
  return 1;
}

}  // namespace

LatentSettings latent_settings(const checkpoint::Config& config, int64_t missing_value_dim) {
  LatentSettings s{
      .still_dim = config.integer("qk_nope_head_dim", 1, checkpoint::Config::kMostCounted),
      .rope_dim = config.integer("qk_rope_head_dim", 1, checkpoint::Config::kMostCounted)};
  const int64_t dim = s.still_dim + s.rope_dim;
  s.shape = decoder_shape(config, {.head_dim = dim + dim % 2});
  s.shape.head_dim = dim;
  s.shape.kv_heads = s.shape.heads;
  s.rank = config.integer("kv_lora_rank", 1, checkpoint::Config::kMostCounted);
  s.q_rank = config.integer_or("q_lora_rank", 0, 1);
  s.value_dim = missing_value_dim > 0 ? config.integer_or("v_head_dim", missing_value_dim)
                                      : config.integer("v_head_dim");
  s.eps = config.number_or("rms_norm_eps", 1e-6);
  s.bias = config.boolean_or("attention_bias", false);
  const double scaled = yarn_factor(config);
  s.scale = static_cast<float>(scaled * scaled / std::sqrt(static_cast<double>(dim)));
  for (int64_t i = 0; i < s.shape.layers; ++i)
    s.shape.cache.push_back(tensor::Latent{.rank = s.rank, .rope_dim = s.rope_dim});
  return s;
}

nn::LatentAttention latent_attention(const LatentSettings& s, const checkpoint::Weights& w,
                                     int64_t layer) {
  using Bias = checkpoint::Weights::Bias;
  const int64_t n = s.shape.hidden, heads = s.shape.heads, q_dim = s.still_dim + s.rope_dim;
  const auto bias = s.bias ? Bias::kRequired : Bias::kNone;
  nn::LatentAttention made{.layer = layer,
                           .norm = (w / "kv_a_layernorm").rms_norm(s.rank, 1e-6),
                           .out = (w / "o_proj").linear(n, heads * s.value_dim, bias),
                           .rope_dim = s.rope_dim,
                           .rank = s.rank,
                           .shape = {.heads = heads,
                                     .kv_heads = 1,
                                     .head_dim = s.rope_dim + s.rank,
                                     .scale = s.scale,
                                     .causal = s.shape.causal}};
  if (s.q_rank > 0) {
    made.q_down = (w / "q_a_proj").linear(s.q_rank, n, bias);
    made.q_norm = (w / "q_a_layernorm").rms_norm(s.q_rank, 1e-6);
  }
  const tensor::Weight q = w.matrix(s.q_rank > 0 ? "q_b_proj.weight" : "q_proj.weight",
                                    heads * q_dim, s.q_rank > 0 ? s.q_rank : n);
  made.q_still = w.linear_of(checkpoint::pick_rows(q, rows_of_heads(heads, q_dim, 0, s.still_dim)));
  made.q_turning = w.linear_of(checkpoint::pick_rows(
      q, turning_rows(rows_of_heads(heads, q_dim, s.still_dim, s.rope_dim), s, heads)));

  const checkpoint::Weights down = w / "kv_a_proj_with_mqa";
  const int64_t kept = s.rank + s.rope_dim;
  const tensor::Weight kv = down.matrix("weight", kept, n);
  const std::vector<float> kv_bias = s.bias ? down.values("bias", kept) : std::vector<float>();
  const std::vector<int64_t> row = rows_of_heads(1, kept, 0, s.rank),
                             turning =
                                 turning_rows(rows_of_heads(1, kept, s.rank, s.rope_dim), s, 1);
  made.down = down.linear_of(checkpoint::pick_rows(kv, row), picked(kv_bias, row));
  made.k_turning = down.linear_of(checkpoint::pick_rows(kv, turning), picked(kv_bias, turning));
  add_heads(s, w, made);
  return made;
}

}  // namespace vecton::models
