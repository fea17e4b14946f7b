// compressed-tensors (vLLM's llm-compressor): codes of 4 bits plus 8, eight to an int32 word
// (pack-quantized: weight_packed [out, in / 8], weight_scale [out, in / group], weight_shape), and
// int8 with a scale per row (int-quantized: weight, weight_scale [out, 1]). Activations stay
// float32, whatever the config says of theirs.
#include <algorithm>
#include <cstring>

#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/formats.h"
#include "checkpoint/quantised/parts.h"
#include "checkpoint/shape.h"

namespace vecton::checkpoint {

namespace {

constexpr int64_t kNibblesPerWord = 8;
constexpr std::initializer_list<tensor::DType> kFloats = {tensor::DType::kF32, tensor::DType::kF16,
                                                          tensor::DType::kBF16};

class PackQuantized final : public Quantisation {
 public:
  explicit PackQuantized(int64_t group) : group_(group) {}  // 0 = a whole row

  void gather(Tensors& tensors) const override {
    for (const std::string& module : modules_with(tensors, ".weight_packed"))
      gather(Parts(tensors, module));
  }

 private:
  void gather(Parts parts) const {
    const StoredTensor& words = parts.take(".weight_packed", {tensor::DType::kI32});
    const int64_t out = words.shape[0], in = words.shape[1] * kNibblesPerWord;
    const int64_t group = group_ > 0 ? group_ : in;
    if (in % group != 0)
      fail(words, shape_text(words.shape) + " is not in groups of " + std::to_string(group));
    const int64_t groups[] = {out, in / group}, two[] = {2};
    parts.take(".weight_scale", kFloats, groups);
    const StoredTensor& shape = parts.take(".weight_shape", {tensor::DType::kI64}, two);
    int64_t said[2];
    std::memcpy(said, shape.bytes.data(), sizeof said);
    if (said[0] != out || said[1] != in) {
      fail(shape, "says " + shape_text(said) + ", and the packed codes are " +
                      shape_text(std::vector{out, in}));
    }
    parts.replace(".weight", {out, in}, "compressed-tensors int4", 4,
                  [group](std::span<const StoredTensor> stored) {
                    Parts::Made made;
                    made.weight.codes.kind = tensor::Codes::Kind::kUint;
                    made.weight.codes.bits = 4;
                    made.weight.codes.zero_point = 8;
                    made.weight.codes.bytes = stored[0].bytes;
                    made.weight.scale = numbers_of(stored[1], group);
                    return made;
                  });
  }

  int64_t group_;
};

class IntQuantized final : public Quantisation {
  void gather(Tensors& tensors) const override {
    for (const std::string& module : modules_with(tensors, ".weight_scale")) {
      Parts parts(tensors, module);
      const std::vector<int64_t> shape = parts.take(".weight", {tensor::DType::kI8}).shape;
      const int64_t rows[] = {shape[0], 1};
      parts.take(".weight_scale", kFloats, rows);
      parts.replace(".weight", shape, "compressed-tensors int8", 8,
                    [](std::span<const StoredTensor> stored) {
                      // Codes from -128 as codes from 0.
                      const auto copy = std::make_shared<std::vector<std::byte>>(
                          stored[0].bytes.begin(), stored[0].bytes.end());
                      for (std::byte& code : *copy) code ^= std::byte{0x80};
                      Parts::Made made;
                      made.weight.codes.kind = tensor::Codes::Kind::kUint;
                      made.weight.codes.bits = 8;
                      made.weight.codes.zero_point = 128;
                      made.weight.codes.bytes = *copy;
                      made.weight.scale = numbers_of(stored[1], stored[0].shape[1]);
                      made.copy = copy;
                      return made;
                    });
    }
  }
};

[[noreturn]] void refuse(const Config& config, const std::string& key, const std::string& found,
                         const std::string& accepted) {
  refuse_setting(config, "quantization_config." + key, found, accepted);
}

// The one group's "weights".
Config weights_of(const Config& config) {
  const json::value* groups = config.raw("config_groups");
  const json::object* object = groups ? groups->if_object() : nullptr;
  if (!object || object->size() != 1)
    refuse(config, "config_groups", groups ? value_text(*groups) : "nothing", "one group");
  const std::string name(object->begin()->key());
  const Config group = *config.child("config_groups")->child(name);
  if (group.strings_or_empty("targets") != std::vector<std::string>{"Linear"}) {
    const json::value* targets = group.raw("targets");
    refuse(config, "config_groups." + name + ".targets", targets ? value_text(*targets) : "nothing",
           "[\"Linear\"]");
  }
  group.require("output_activations", nullptr);
  group.ignore({"input_activations", "format"});  // activations stay float32
  const std::optional<Config> weights = group.child("weights");
  if (!weights) refuse(config, "config_groups." + name + ".weights", "nothing", "an object");
  return *weights;
}

}  // namespace

std::shared_ptr<const Quantisation> read_compressed_tensors(const Config& config) {
  const std::string format = config.string_or("format", "");
  if (format != "pack-quantized" && format != "int-quantized")
    refuse(config, "format", quoted_text(format), "\"pack-quantized\" and \"int-quantized\"");
  const bool packed = format == "pack-quantized";
  const Config weights = weights_of(config);
  weights.require("type", std::string_view("int"));
  weights.require("num_bits", int64_t{packed ? 4 : 8});
  weights.require("symmetric", true);
  weights.require("dynamic", false);
  weights.require("block_structure", nullptr);
  const std::string strategy = weights.string_or("strategy", "");
  if (strategy != "channel" && (!packed || strategy != "group")) {
    refuse(config, "config_groups.*.weights.strategy", quoted_text(strategy),
           packed ? "\"group\" and \"channel\"" : "\"channel\"");
  }
  int64_t group = 0;
  if (strategy == "group") {
    group = weights.integer("group_size", 16);
    if (group % 16 != 0)
      refuse(config, "config_groups.*.weights.group_size", std::to_string(group),
             "multiples of 16");
  } else {
    weights.integer_or("group_size", -1, -1, -1);
  }
  // Rows in the order of their groups, in the file as well, but for "group".
  const json::value* order = weights.raw("actorder");
  const bool sequential = !order || (order->is_bool() && !order->get_bool()) ||
                          *order == json::value("static") || *order == json::value("weight");
  if (!sequential)
    refuse(config, "config_groups.*.weights.actorder", value_text(*order), "null and \"static\"");
  weights.ignore({"observer", "observer_kwargs", "scale_dtype", "zp_dtype"});
  config.require("kv_cache_scheme", nullptr);
  config.require("quantization_status", std::string_view("compressed"));
  for (const char* key : {"sparsity_config", "transform_config"}) {
    const json::value* value = config.raw(key);
    const bool empty = !value || (value->is_object() && value->get_object().empty());
    if (!empty) refuse(config, key, value_text(*value), "null");
  }
  config.strings_or_empty("ignore");  // they are dense in the file
  config.ignore({"global_compression_ratio", "version"});
  if (packed) return std::make_shared<PackQuantized>(group);
  return std::make_shared<IntQuantized>();
}

}  // namespace vecton::checkpoint
