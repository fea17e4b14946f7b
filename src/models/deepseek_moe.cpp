#include "models/deepseek_moe.h"

#include <string>

#include "vecton/error.h"

namespace vecton::models {

namespace {

// mlp_layer_types, or all from first_k_dense_replace on.
std::vector<bool> sparse_layers(const checkpoint::Config& config, int64_t layers) {
  const std::vector<std::string> types = config.strings_or_empty("mlp_layer_types");
  if (!types.empty() && static_cast<int64_t>(types.size()) != layers) {
    throw Error(ErrorCode::kCorrupt, config.file() + ": mlp_layer_types: expected " +
                                         std::to_string(layers) + " entries, found " +
                                         std::to_string(types.size()));
  }
  for (const std::string& type : types) {
    if (type == "dense" || type == "sparse") continue;
    throw Error(ErrorCode::kUnsupported, config.file() + ": mlp_layer_types \"" + type +
                                             "\" is not supported; one of dense, sparse is");
  }
  const int64_t first = config.integer_or("first_k_dense_replace", 1, 0);
  std::vector<bool> result;
  for (int64_t i = 0; i < layers; ++i)
    result.push_back(types.empty() ? i >= first : types[static_cast<size_t>(i)] == "sparse");
  return result;
}

}  // namespace

DeepseekMoe deepseek_moe(const checkpoint::Config& config, int64_t layers, int64_t hidden,
                         ops::Activation activation) {
  config.require("scoring_func", "sigmoid");
  config.require("topk_method", "noaux_tc");
  config.require("moe_layer_freq", int64_t{1});
  const int64_t count = config.integer("n_routed_experts", 1, checkpoint::Config::kMostCounted);
  DeepseekMoe s{
      .sizes = {.count = count, .width = config.integer("moe_intermediate_size"), .hidden = hidden},
      .routing = {.scores = ops::Router::Scores::kSigmoid,
                  .k = experts_per_token(config, count),
                  .normalize = config.boolean_or("norm_topk_prob", true),
                  .scale = static_cast<float>(config.number_or("routed_scaling_factor", 1)),
                  .groups = config.integer_or("n_group", 1, 1, count)},
      .activation = activation,
      .sparse = sparse_layers(config, layers)};
  s.routing.top_groups = config.integer_or("topk_group", 1, 1, s.routing.groups);
  const int64_t group = count / s.routing.groups;
  if (count % s.routing.groups != 0 || s.routing.top_groups * group < s.routing.k) {
    throw Error(ErrorCode::kCorrupt,
                config.file() + ": n_group: expected " + std::to_string(count) +
                    " experts in equal groups, of which topk_group have num_experts_per_tok");
  }
  s.shared_width = s.sizes.width * config.integer_or("n_shared_experts", 1);
  return s;
}

nn::MixtureOfExperts mixture(const DeepseekMoe& s, const checkpoint::Weights& w) {
  const checkpoint::Weights gate = (w / "gate").in_float32();
  nn::MixtureOfExperts made{
      .router = gate.linear(s.sizes.count, s.sizes.hidden, checkpoint::Weights::Bias::kNone),
      .routing = s.routing,
      .experts = load_experts(w, s.sizes, s.activation)};
  made.routing.correction = gate.vector("e_score_correction_bias", s.sizes.count);
  made.shared = dense_mlp(w / "shared_experts", s.shared_width, s.sizes.hidden, s.activation);
  return made;
}

}  // namespace vecton::models
