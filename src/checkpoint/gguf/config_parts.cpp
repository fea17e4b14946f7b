#include "checkpoint/gguf/config_parts.h"

#include <algorithm>
#include <functional>

#include "base/json.h"
#include "checkpoint/config.h"
#include "checkpoint/float_bytes.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

constexpr std::string_view kWords = "token_embd.weight";
constexpr std::string_view kOriginalLength = "rope.scaling.original_context_length";

// How many of the blocks behind the model's layers predict more tokens at once.
int64_t prediction_layers(GgufKeys& keys) { return keys.count_or("nextn_predict_layers", 0); }

// The model's own divisors for short texts and for long ones, and how much rotations are amplified.
json::object long_rope(GgufKeys& keys, const gguf::Tensor& brief, int64_t pairs) {
  const gguf::Tensor* extended = keys.file.tensor("rope_factors_long.weight");
  if (!extended) keys.file.fail("rope_factors_long.weight", "the tensor is missing");
  json::object scaling = {{"rope_type", "longrope"},
                          {"type", "longrope"},  // the older name, by which mlx-lm asks
                          {"short_factor", rope_divisors(keys, brief, pairs)},
                          {"long_factor", rope_divisors(keys, *extended, pairs)},
                          {"attention_factor", keys.number_or("rope.scaling.attn_factor", 1)}};
  scaling["original_max_position_embeddings"] =
      keys.integer_or(kOriginalLength, keys.integer("context_length"));
  return scaling;
}

json::object yarn(GgufKeys& keys, double factor) {
  json::object scaling = {{"rope_type", "yarn"}, {"factor", factor}};
  scaling["original_max_position_embeddings"] = keys.integer(kOriginalLength);
  for (const auto& [key, own] : {std::pair{"rope.scaling.yarn_beta_fast", "beta_fast"},
                                 {"rope.scaling.yarn_beta_slow", "beta_slow"},
                                 {"rope.scaling.yarn_attn_factor", "attention_factor"}}) {
    if (keys.has(key)) scaling[own] = keys.number(key);
  }
  return scaling;
}

}  // namespace

json::object named_config(std::string_view architecture, std::string_view model_type) {
  return {{"architectures", json::array{architecture}}, {"model_type", model_type}};
}

json::array rope_divisors(const GgufKeys& keys, const gguf::Tensor& tensor, int64_t pairs) {
  if (tensor.type != gguf::TensorType::kF32 || tensor.shape.size() != 1 || tensor.shape[0] != pairs)
    keys.file.fail(tensor.name, "expected " + std::to_string(pairs) + " numbers of F32");
  json::array list;
  for (const float divisor : read_floats(tensor::DType::kF32, tensor.bytes))
    list.push_back(double{divisor});
  return list;
}

void add_rope(GgufKeys& keys, int64_t head_dim, bool partial, json::object& config) {
  if (keys.has("rope.freq_base")) config["rope_theta"] = keys.number("rope.freq_base");
  const int64_t turned = keys.integer_or("rope.dimension_count", head_dim);
  if (turned > head_dim || (turned != head_dim && !partial)) {
    keys.fail("rope.dimension_count",
              "expected " + std::to_string(head_dim) + ", all columns of a head, found " +
                  std::to_string(turned),
              ErrorCode::kUnsupported);
  }
  if (turned != head_dim)
    config["partial_rotary_factor"] = static_cast<double>(turned) / static_cast<double>(head_dim);
  const double old_factor = keys.number_or("rope.scale_linear", 1),
               factor = keys.number_or("rope.scaling.factor", old_factor);
  // Without a type a factor is linear, as llama.cpp has it.
  const std::string type = keys.text_or("rope.scaling.type", factor == 1 ? "none" : "linear");
  keys.ignore("rope.scaling.finetuned");
  const gguf::Tensor *divisors = keys.file.tensor("rope_freqs.weight"),
                     *brief = keys.file.tensor("rope_factors_short.weight");
  if (const gguf::Tensor* both = divisors ? divisors : brief;
      both && type != "none" && !(brief && type == "longrope")) {
    keys.fail("rope.scaling.type",
              "\"" + type + "\" beside " + std::string(both->name) + " is not supported",
              ErrorCode::kUnsupported);
  }
  if (divisors) {
    const json::array list = rope_divisors(keys, *divisors, turned / 2);
    config["rope_scaling"] = {{"rope_type", "longrope"},
                              {"short_factor", list},
                              {"long_factor", list},
                              {"attention_factor", 1.0},
                              {"factor", 1.0},
                              {"original_max_position_embeddings", keys.integer("context_length")}};
  } else if (brief) {
    const json::object scaling = long_rope(keys, *brief, turned / 2);
    constexpr const char* kOriginal = "original_max_position_embeddings";
    config[kOriginal] = scaling.at(kOriginal);
    config["rope_scaling"] = scaling;
  } else if (type == "linear") {
    config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", factor}};
  } else if (type == "yarn") {
    config["rope_scaling"] = yarn(keys, factor);
  } else if (type != "none" && !type.empty()) {
    keys.fail("rope.scaling.type", "\"" + type + "\" is not supported; none, linear and yarn are",
              ErrorCode::kUnsupported);
  }
  keys.ignore(kOriginalLength);
}

void ignore_axes(GgufKeys& keys) {
  for (const char* key : {"rope.dimension_sections", "n_deepstack_layers"}) keys.ignore(key);
}

void add_axes(GgufKeys& keys, json::object& rope) {
  json::array sections;  // time, height, width, and a fourth that is nothing
  for (const int64_t pairs : keys.integers_of_layers("rope.dimension_sections", 4))
    if (sections.size() < 3) sections.push_back(pairs);
  rope["mrope_section"] = std::move(sections);
  ignore_axes(keys);
}

void add_sliding_types(GgufKeys& keys, int64_t period, json::object& config) {
  constexpr std::string_view kKey = "attention.sliding_window_pattern";
  const int64_t layers = config["num_hidden_layers"].as_int64();
  std::vector<int64_t> slides;
  if (keys.is_array(kKey)) {
    slides = numbers_of_layers(keys, kKey, layers);
  } else {
    const int64_t every = keys.integer_or(kKey, period);
    for (int64_t i = 0; i < layers; ++i) slides.push_back((i + 1) % every != 0 ? 1 : 0);
  }
  json::array types;
  for (const int64_t each : slides)
    types.push_back(each != 0 ? "sliding_attention" : "full_attention");
  config["layer_types"] = std::move(types);
}

int64_t vocabulary_rows(GgufKeys& keys) {
  const int64_t rows = keys.rows(kWords);
  if (const int64_t said = keys.integer_or("vocab_size", rows); said != rows) {
    keys.fail("vocab_size", "is " + std::to_string(said) + ", and " + std::string(kWords) +
                                " has " + std::to_string(rows) + " rows");
  }
  return rows;
}

int64_t layers_of(GgufKeys& keys) {
  const int64_t blocks = keys.integer("block_count"), more = prediction_layers(keys);
  if (blocks > Config::kMostCounted) keys.fail("block_count", "more layers than any model has");
  if (more >= blocks)
    keys.fail("nextn_predict_layers", "expected less than block_count, " + std::to_string(blocks));
  return blocks - more;
}

std::vector<int64_t> numbers_of_layers(GgufKeys& keys, std::string_view key, int64_t layers) {
  std::vector<int64_t> all = keys.integers_of_layers(key, layers + prediction_layers(keys));
  all.resize(static_cast<size_t>(layers));
  return all;
}

int64_t same_in_all(GgufKeys& keys, std::string_view key, int64_t layers) {
  const std::vector<int64_t> all = numbers_of_layers(keys, key, layers);
  if (all.empty() || std::ranges::adjacent_find(all, std::not_equal_to<>()) != all.end())
    keys.fail(key, "numbers that differ from layer to layer are not supported",
              ErrorCode::kUnsupported);
  return all.front();
}

json::object decoder_config(GgufKeys& keys, std::string_view architecture,
                            std::string_view model_type, const DecoderParts& parts) {
  json::object config = named_config(architecture, model_type);
  const int64_t layers = layers_of(keys), hidden = keys.integer("embedding_length");
  const int64_t heads = same_in_all(keys, "attention.head_count", layers);
  if (heads < 1) keys.fail("attention.head_count", "expected at least 1");
  int64_t kv_heads = parts.kv_heads;
  if (kv_heads == 0)
    kv_heads = keys.has("attention.head_count_kv")
                   ? same_in_all(keys, "attention.head_count_kv", layers)
                   : heads;
  const bool told = keys.has("attention.key_length");
  if (!told && hidden % heads != 0)
    keys.fail("attention.head_count", "expected a divisor of " + std::to_string(hidden));
  const int64_t head_dim = keys.integer_or("attention.key_length", hidden / heads);
  if (const int64_t values = keys.integer_or("attention.value_length", head_dim);
      values != head_dim) {
    keys.fail("attention.value_length",
              "values of " + std::to_string(values) + " columns beside keys of " +
                  std::to_string(head_dim) + " are not supported",
              ErrorCode::kUnsupported);
  }
  config["hidden_size"] = hidden;
  config["num_hidden_layers"] = layers;
  if (parts.feed_forward || keys.has("feed_forward_length"))
    config["intermediate_size"] = same_in_all(keys, "feed_forward_length", layers);
  config["num_attention_heads"] = heads;
  config["num_key_value_heads"] = kv_heads;
  config["head_dim"] = head_dim;
  config["max_position_embeddings"] = keys.integer("context_length");
  config["vocab_size"] = vocabulary_rows(keys);
  config[parts.eps] = keys.number(parts.eps_key);
  if (!keys.boolean_or("attention.causal", true)) config["is_causal"] = false;
  add_rope(keys, head_dim, parts.partial_rope, config);
  return config;
}

int64_t check_dense(GgufKeys& keys, const std::string& name, int64_t columns) {
  const gguf::Tensor* weight = keys.file.tensor(name + ".weight");
  if (!weight) return columns;  // a size is then a key that nobody read
  if (weight->shape.size() != 2) keys.file.fail(weight->name, "expected a matrix");
  if (weight->shape[1] != columns)
    keys.file.fail(weight->name, "expected " + std::to_string(columns) +
                                     " columns, as many as come in, found " +
                                     std::to_string(weight->shape[1]));
  const std::pair<std::string, int64_t> sizes[] = {{name + "_feat_out", weight->shape[0]},
                                                   {name + "_feat_in", weight->shape[1]}};
  for (const auto& [key, size] : sizes) {
    if (keys.integer_or(key, size) != size)
      keys.fail(key, "expected " + std::to_string(size) + ", the size of " + name + ".weight");
  }
  return weight->shape[0];
}

bool has_bias(const GgufKeys& keys, std::string_view part) {
  const auto has = [&](std::string_view name) {
    return keys.file.tensor("blk.0." + std::string(name) + ".bias") != nullptr;
  };
  return has(part) || (part == "attn_q" && has("attn_qkv"));  // gguf_tensors() takes it apart
}

void add_biases(const GgufKeys& keys, json::object& config) {
  config["attention_bias"] = has_bias(keys, "attn_q");
  config["mlp_bias"] = has_bias(keys, "ffn_up");
}

}  // namespace vecton::checkpoint
