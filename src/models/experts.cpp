#include "models/experts.h"

#include "checkpoint/weight_rows.h"

namespace vecton::models {

namespace {

constexpr auto kNoBias = checkpoint::Weights::Bias::kNone;

}  // namespace

ops::Experts experts_of(const checkpoint::Weights& w, const tensor::Weight& gate_up,
                        const tensor::Weight& down, const ExpertSizes& s,
                        ops::Activation activation) {
  ops::Experts experts{.all = {}, .activation = activation};
  for (int64_t e = 0; e < s.count; ++e) {
    const int64_t gate = 2 * e * s.width;
    experts.all.push_back(
        ops::Expert{.up = w.gated_of(checkpoint::row_slice(gate_up, gate, s.width),
                                     checkpoint::row_slice(gate_up, gate + s.width, s.width)),
                    .down = w.linear_of(checkpoint::row_slice(down, e * s.hidden, s.hidden))});
  }
  return experts;
}

ops::Experts load_experts(const checkpoint::Weights& w, const ExpertSizes& s,
                          ops::Activation activation, const ExpertNames& names) {
  const checkpoint::Weights own = w / "experts", switch_glu = own / "switch_glu",
                            mlx =
                                switch_glu.has("gate_proj.weight") ? switch_glu : w / "switch_mlp";
  ops::Experts experts{.all = {}, .activation = activation};
  if (mlx.has("gate_proj.weight")) {
    const tensor::Weight gate = mlx.stack("gate_proj.weight", s.count, s.width, s.hidden),
                         up = mlx.stack("up_proj.weight", s.count, s.width, s.hidden),
                         down = mlx.stack("down_proj.weight", s.count, s.hidden, s.width);
    for (int64_t e = 0; e < s.count; ++e) {
      experts.all.push_back(
          ops::Expert{.up = w.gated_of(checkpoint::row_slice(gate, e * s.width, s.width),
                                       checkpoint::row_slice(up, e * s.width, s.width)),
                      .down = w.linear_of(checkpoint::row_slice(down, e * s.hidden, s.hidden))});
    }
    return experts;
  }
  if (own.has("gate_up_proj")) {
    const tensor::Weight gate_up = own.stack("gate_up_proj", s.count, 2 * s.width, s.hidden),
                         down = own.stack("down_proj", s.count, s.hidden, s.width);
    return experts_of(w, gate_up, down, s, activation);
  }
  for (int64_t e = 0; e < s.count; ++e) {
    const checkpoint::Weights expert = own / e;
    experts.all.push_back(
        ops::Expert{.up = expert.gated(names.gate, names.up, s.width, s.hidden, kNoBias),
                    .down = (expert / names.down).linear(s.hidden, s.width, kNoBias)});
  }
  return experts;
}

nn::MixtureOfExperts block_sparse_moe(const checkpoint::Weights& layer, const ExpertSizes& sizes,
                                      const ops::Router& routing, ops::Activation activation) {
  const checkpoint::Weights w = layer / "block_sparse_moe";
  return {.router = (w / "gate")
                        .in_float32()
                        .linear(sizes.count, sizes.hidden, checkpoint::Weights::Bias::kNone),
          .routing = routing,
          .experts = load_experts(w, sizes, activation, {.gate = "w1", .up = "w3", .down = "w2"})};
}

nn::Mlp dense_mlp(const checkpoint::Weights& w, int64_t width, int64_t hidden,
                  ops::Activation activation) {
  return {.up = w.gated("gate_proj", "up_proj", width, hidden, kNoBias),
          .down = (w / "down_proj").linear(hidden, width, kNoBias),
          .activation = activation};
}

int64_t count_experts(const checkpoint::Config& config) {
  const bool local = config.has("num_local_experts");
  if (!config.has("num_experts") && !local) return config.integer("num_experts");  // says so
  const char* key = local ? "num_local_experts" : "num_experts";
  const int64_t count = config.integer(key, 1, checkpoint::Config::kMostCounted);
  if (local) config.require("num_experts", count);
  return count;
}

int64_t experts_per_token(const checkpoint::Config& config, int64_t count) {
  return config.integer("num_experts_per_tok", 1, count);
}

}  // namespace vecton::models
