#include "checkpoint/gguf/keys.h"

#include <algorithm>

#include "checkpoint/config.h"

namespace vecton::checkpoint {

namespace {

// Part of what the model computes, where their value is not the one that changes nothing.
struct Matters {
  std::string_view key;
  double harmless = 0;
};
constexpr Matters kMatters[] = {
    {"activation_sparsity_scale"},
    {"attention.clamp_kqv"},
    {"attention.group_norm_groups"},
    {"attention.key_length_mla"},
    {"attention.key_length_swa"},
    {"attention.kv_lora_rank"},
    {"attention.max_alibi_bias"},
    {"attention.output_scale", 1},
    {"attention.q_lora_rank"},
    {"attention.recurrent_layers"},
    {"attention.relative_buckets_count"},
    {"attention.scale"},
    {"attention.shared_kv_layers"},
    {"attention.sliding_window"},
    {"attention.sliding_window_pattern"},
    {"attention.temperature_length"},
    {"attention.temperature_scale"},
    {"attention.value_length_mla"},
    {"attention.value_length_swa"},
    {"attn_logit_softcapping"},
    {"decoder_block_count"},
    {"dense_2_feat_out"},
    {"dense_3_feat_out"},
    {"embedding_length_per_layer_input"},
    {"embedding_scale", 1},
    {"expert_chunk_feed_forward_length"},
    {"expert_count"},
    {"expert_gating_func"},
    {"expert_group_count", 1},
    {"expert_shared_count"},
    {"expert_shared_feed_forward_length"},
    {"expert_weights_scale", 1},
    {"final_logit_softcapping"},
    {"leading_dense_block_count"},
    {"logit_scale", 1},
    {"moe_every_n_layers"},
    {"nextn_predict_layers"},
    {"residual_scale", 1},
    {"rope.dimension_count_swa"},
    {"rope.dimension_sections"},
    {"rope.freq_base_swa"},
    {"rope.scale_linear", 1},
    {"rope.scaling.factor", 1},
    {"rope.scaling.alpha"},
    {"rope.scaling.attn_factor", 1},
    {"rope.scaling.yarn_attn_factor", 1},
    {"rope.scaling.yarn_ext_factor", 1},
    {"rope.scaling.yarn_log_multiplier"},
    {"router_logit_softcapping"},
    {"swin_norm"},
    {"use_parallel_residual"},
};

// 0 for what is not a number.
double number_of(const gguf::Value& value) {
  if (const auto boolean = value.boolean()) return *boolean ? 1 : 0;
  return value.number().value_or(0);
}

}  // namespace

int64_t GgufKeys::integer(std::string_view key) {
  return file.integer(mark(key), 1, Config::kMost);
}

int64_t GgufKeys::integer_or(std::string_view key, int64_t fallback) {
  return file.integer_or(mark(key), fallback, 1, Config::kMost);
}

int64_t GgufKeys::count_or(std::string_view key, int64_t fallback) {
  return file.integer_or(mark(key), fallback, 0, Config::kMost);
}

bool GgufKeys::is_array(std::string_view key) const {
  const gguf::Value* value = file.find(full(key));
  return value && value->is_array;
}

std::vector<int64_t> GgufKeys::integers_of_layers(std::string_view key, int64_t count) {
  const gguf::Value* value = file.find(full(key));
  if (!value || !value->is_array)
    return std::vector<int64_t>(static_cast<size_t>(count), integer(key));
  std::vector<int64_t> list = file.integers(mark(key));
  if (static_cast<int64_t>(list.size()) != count) {
    fail(key, "expected " + std::to_string(count) + " numbers, one for each layer, found " +
                  std::to_string(list.size()));
  }
  for (const int64_t number : list) {
    if (number < 0 || number > Config::kMost)
      fail(key, "expected integers from 0 to " + std::to_string(Config::kMost));
  }
  return list;
}

int64_t GgufKeys::rows(std::string_view tensor) const {
  const gguf::Tensor* found = file.tensor(tensor);
  if (!found) file.fail(tensor, "the tensor is missing");
  if (found->shape.size() != 2 || found->shape[0] < 1 || found->shape[0] > Config::kMost)
    file.fail(tensor, "expected a matrix");
  return found->shape[0];
}

void GgufKeys::check_read(json::object& config) const {
  for (const auto& [key, value] : file.metadata()) {
    if (!key.starts_with(prefix_) || read_.contains(key)) continue;
    const std::string_view rest = key.substr(prefix_.size());
    const auto* matters = std::ranges::find(kMatters, rest, &Matters::key);
    if (matters == std::end(kMatters)) {
      config[key] = "a key that is not known";
    } else if (value.is_array || number_of(value) != matters->harmless) {
      file.fail(key, "changes what the model computes, and is not supported for its architecture",
                ErrorCode::kUnsupported);
    }
  }
}

}  // namespace vecton::checkpoint
