// NVIDIA's ModelOpt: X.weight_scale beside every quantised X.weight, laid out as `quant_algo` says.
// The settings stand in config.json's quantization_config or, of older versions, in the object
// "quantization" of hf_quant_config.json. Activations stay float32, whatever they say of theirs.
#include <algorithm>
#include <map>
#include <utility>

#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/block_scales.h"
#include "checkpoint/quantised/formats.h"
#include "checkpoint/quantised/kv_cache.h"
#include "checkpoint/quantised/small_floats.h"

namespace vecton::checkpoint {

namespace {

using Gather = void (*)(Parts& parts);

// E4M3 with one scale.
void gather_tensor(Parts& parts) {
  gather_fp8(parts, ".weight_scale", {.rows = 0, .columns = 0}, "ModelOpt FP8");
}
// A scale per row.
void gather_rows(Parts& parts) {
  gather_fp8(parts, ".weight_scale", {.rows = 1, .columns = 0}, "ModelOpt FP8");
}
// A scale per block: [blocks of rows, 1, blocks of columns, 1].
void gather_blocks(Parts& parts) {
  gather_fp8(parts, ".weight_scale", {.rows = 128, .columns = 128}, "ModelOpt FP8");
}
constexpr int64_t kNvfp4Group = 16;
void gather_fp4(Parts& parts) {
  gather_nvfp4(parts, {.codes = ".weight", .whole = ".weight_scale_2"}, kNvfp4Group,
               "ModelOpt nvfp4");
}
void gather_mx(Parts& parts) { gather_mxfp8(parts, 32, "ModelOpt mxfp8"); }

struct Algorithm {
  std::string_view name;
  Gather gather;
};
constexpr Algorithm kAlgorithms[] = {
    {"FP8", gather_tensor},       {"FP8_PER_CHANNEL_PER_TOKEN", gather_rows},
    {"FP8_PB_WO", gather_blocks}, {"NVFP4", gather_fp4},
    {"W4A16_NVFP4", gather_fp4},  {"MXFP8", gather_mx},
};
// Every layer has one of its own.
constexpr std::string_view kMixedPrecision = "MIXED_PRECISION";

class ModelOpt final : public Quantisation {
 public:
  // `of_all` null = each layer's own.
  ModelOpt(Gather of_all, std::map<std::string, Gather> own)
      : of_all_(of_all), own_(std::move(own)) {}

  void gather(Tensors& tensors) const override {
    for (const std::string& module : modules_with(tensors, ".weight_scale")) {
      const Gather gather = of_all_ ? of_all_ : own_of(module);
      if (!gather) {
        fail(tensors.at(module + ".weight_scale"),
             "quantized_layers has no " + name_text(module) + ", nor a module that it is part of");
      }
      Parts parts(tensors, module);
      gather(parts);
      parts.drop({".input_scale"});  // how activations would be rounded, which here they are not
    }
    drop_kv_cache_scales(tensors);
  }

 private:
  // That of the module or of the nearest one around it.
  Gather own_of(std::string module) const {
    while (true) {
      const auto own = own_.find(module);
      if (own != own_.end()) return own->second;
      const size_t dot = module.rfind('.');
      if (dot == std::string::npos) return nullptr;
      module.resize(dot);
    }
  }

  Gather of_all_;
  std::map<std::string, Gather> own_;
};

// Null where each layer has its own. vLLM takes names in any case.
Gather read_algorithm(const Config& config, const std::string& path, bool mixed) {
  std::string name = config.string_or("quant_algo", "");
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
  if (mixed && name == kMixedPrecision) return nullptr;
  const auto* known = std::ranges::find(kAlgorithms, name, &Algorithm::name);
  if (known == std::end(kAlgorithms)) {
    std::string names;
    for (const Algorithm& own : kAlgorithms)
      names += (names.empty() ? "" : ", ") + quoted_text(std::string(own.name));
    if (mixed) names += ", " + quoted_text(std::string(kMixedPrecision));
    refuse_setting(config, path, name.empty() ? "nothing" : quoted_text(name), names);
  }
  if (known->gather == gather_fp4) {
    const int64_t group = config.integer_or("group_size", kNvfp4Group);
    if (group != kNvfp4Group) {
      refuse_setting(config, path, quoted_text(name) + " in groups of " + std::to_string(group),
                     "groups of " + std::to_string(kNvfp4Group) + " (\"group_size\")");
    }
  } else {
    config.ignore({"group_size"});  // fixed: of other algorithms
  }
  return known->gather;
}

std::map<std::string, Gather> read_layers(const Config& config, const std::string& path) {
  std::map<std::string, Gather> layers;
  const std::optional<Config> object = config.child("quantized_layers");
  if (!object || object->values().empty())
    refuse_setting(config, path, "nothing", "layers by their names");
  for (const auto& member : object->values()) {
    const std::string name(member.key());
    const std::optional<Config> layer = object->child(name);
    if (!layer) refuse_setting(config, path + "." + name, "nothing", "an object");
    layers.emplace(name, read_algorithm(*layer, path + "." + name + ".quant_algo", false));
  }
  return layers;
}

}  // namespace

std::shared_ptr<const Quantisation> read_modelopt(const Config& config) {
  const bool own_file = is_modelopt_file(config);
  const std::optional<Config> inner = config.child("quantization");
  const Config& settings = inner ? *inner : config;
  const std::string path =
      std::string(own_file ? "" : "quantization_config.") + (inner ? "quantization." : "");
  const Gather of_all = read_algorithm(settings, path + "quant_algo", true);
  std::map<std::string, Gather> own;
  if (!of_all) {
    own = read_layers(settings, path + "quantized_layers");
    settings.ignore({"group_size"});
  } else {
    settings.ignore({"quantized_layers"});
  }
  // Of AWQ, whose rows of weights are made for inputs that are scaled.
  for (const char* key : {"pre_quant_scale", "has_zero_point"}) settings.require(key, false);
  // They are dense in the file.
  for (const char* key : {"exclude_modules", "ignore"}) settings.strings_or_empty(key);
  settings.boolean_or("nvfp4_embed", false);  // the tensors say it
  // What quant_algo says in compressed-tensors' words, and who wrote it.
  settings.ignore({"config_groups"});
  config.ignore({"quant_method"});
  const std::optional<Config> producer = config.child("producer");
  if (producer) producer->ignore({"name", "version"});
  const auto made = std::make_shared<ModelOpt>(of_all, std::move(own));
  for (const char* key : {"kv_cache_scheme", "kv_cache_quant_algo"})
    read_kv_cache(settings, key, *made);
  if (own_file) {
    for (const std::string& key : config.unread())
      made->notes.push_back(config.file() + ": " + key + " is not known, and not used");
  }
  return made;
}

}  // namespace vecton::checkpoint
