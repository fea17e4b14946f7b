// compressed-tensors (vLLM's llm-compressor): config_groups has how the weights of modules are
// kept; compressed_scheme.h reads the tensors. Activations stay float32, whatever the config says
// of theirs.
#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/compressed_scheme.h"
#include "checkpoint/quantised/compressed_targets.h"
#include "checkpoint/quantised/formats.h"
#include "checkpoint/quantised/group_order.h"
#include "checkpoint/quantised/kv_cache.h"

namespace vecton::checkpoint {

namespace {

using Format = CompressedScheme::Format;

class CompressedTensors final : public Quantisation {
 public:
  CompressedTensors(CompressedTargets targets, std::vector<CompressedScheme> groups)
      : targets_(std::move(targets)), groups_(std::move(groups)) {}

  void gather(Tensors& tensors) const override {
    for (const std::string_view ending : {".weight_packed", ".weight_scale"}) {
      for (const std::string& module : modules_with(tensors, ending)) {
        const std::optional<size_t> group = targets_.group_of(module);
        if (!group) {
          fail(tensors.at(module + std::string(ending)),
               "no group of quantization_config.config_groups has a target for " +
                   name_text(module));
        }
        Parts parts(tensors, module);
        gather_compressed(parts, groups_[*group]);
      }
    }
    drop_kv_cache_scales(tensors);
  }

 private:
  CompressedTargets targets_;
  std::vector<CompressedScheme> groups_;
};

// What is read of each format.
struct KnownFormat {
  std::string_view name, type;
  Format format;
  std::array<std::string_view, 3> strategies;  // the last ones ""
  int64_t least_bits = 8, most_bits = 8;
  bool has_zeros = false;  // where "symmetric" is false
  int64_t group = 0;       // the only size; 0 = multiples of 16
};
constexpr std::array<std::string_view, 3> kByChannelOrTensor = {"channel", "tensor"},
                                          kByBlockToo = {"channel", "tensor", "block"};
constexpr KnownFormat kFormats[] = {
    {.name = "pack-quantized",
     .type = "int",
     .format = Format::kPackQuantized,
     .strategies = {"channel", "group"},
     .least_bits = 2,
     .has_zeros = true},
    {"int-quantized", "int", Format::kIntQuantized, kByChannelOrTensor},
    {"float-quantized", "float", Format::kFloatQuantized, kByBlockToo},
    {"naive-quantized", "int", Format::kIntQuantized, kByChannelOrTensor},
    {"naive-quantized", "float", Format::kFloatQuantized, kByBlockToo},
    {.name = "nvfp4-pack-quantized",
     .type = "float",
     .format = Format::kNvfp4,
     .strategies = {"tensor_group"},
     .least_bits = 4,
     .most_bits = 4,
     .group = 16},
    {.name = "mxfp4-pack-quantized",
     .type = "float",
     .format = Format::kMxfp4,
     .strategies = {"group"},
     .least_bits = 4,
     .most_bits = 4,
     .group = 32},
    {.name = "mxfp8-quantized",
     .type = "float",
     .format = Format::kMxfp8,
     .strategies = {"group"},
     .group = 32},
};

// "a", "b" and "c", of what may stand there more than once; "" is left out.
template <typename Names>
std::string quoted_list(const Names& names) {
  std::vector<std::string> texts;
  for (const std::string_view name : names) {
    if (!name.empty() && std::ranges::find(texts, quoted_text(name)) == texts.end())
      texts.push_back(quoted_text(name));
  }
  std::string list = texts.front();
  for (size_t i = 1; i < texts.size(); ++i)
    list += (i + 1 < texts.size() ? ", " : " and ") + texts[i];
  return list;
}

std::string found_text(const json::value* value) { return value ? value_text(*value) : "nothing"; }

// A config with groups of several formats, each of which has its own.
constexpr std::string_view kMixed = "mixed-precision";

// The name of a known format, or `otherwise` where there is none.
std::string read_format(const Config& config, const std::string& path,
                        const std::string& otherwise) {
  const std::string format = config.string_or("format", otherwise);
  std::vector<std::string_view> names;
  for (const KnownFormat& known : kFormats) names.push_back(known.name);
  if (otherwise.empty()) names.push_back(kMixed);
  if (std::ranges::find(names, format) == names.end()) {
    refuse_setting(config, path, format.empty() ? "nothing" : quoted_text(format),
                   quoted_list(names));
  }
  return format;
}

// One group of config_groups.
class Group {
 public:
  Group(const Config& group, const std::string& path, const std::string& format_of_all,
        std::vector<std::string>& notes)
      : path_(path),
        format_(read_format(group, path + ".format", format_of_all)),
        group_(group),
        notes_(notes) {}

  std::vector<std::string> targets() const {
    std::vector<std::string> targets = group_.strings_or_empty("targets");
    if (targets.empty())
      refuse("targets", found_text(group_.raw("targets")), "[\"Linear\"] and names of modules");
    return targets;
  }

  CompressedScheme read() const {
    group_.require("output_activations", nullptr);
    group_.ignore({"input_activations"});  // they stay float32
    const std::optional<Config> weights = group_.child("weights");
    if (!weights) refuse("weights", "nothing", "an object");
    return read(*weights);
  }

 private:
  CompressedScheme read(const Config& weights) const {
    const KnownFormat& known = format_of(weights);
    const int64_t bits = weights.integer_or("num_bits", 8);
    if (bits < known.least_bits || bits > known.most_bits) {
      const std::string least = std::to_string(known.least_bits),
                        most = std::to_string(known.most_bits);
      refuse("weights.num_bits", std::to_string(bits),
             (least == most ? most : least + " to " + most) + " with " + quoted_text(format_));
    }
    const bool symmetric = weights.boolean_or("symmetric", true);
    if (!symmetric && !known.has_zeros)
      refuse("weights.symmetric", "false", "true with " + quoted_text(format_));
    weights.require("dynamic", false);
    read_order(weights);
    weights.ignore({"observer", "observer_kwargs", "scale_dtype", "zp_dtype"});
    return {.format = known.format,
            .bits = bits,
            .has_zeros = !symmetric,
            .blocks = blocks_of(weights, known)};
  }

  const KnownFormat& format_of(const Config& weights) const {
    const std::string type = weights.string_or("type", "int");
    std::vector<std::string_view> types;
    for (const KnownFormat& known : kFormats) {
      if (known.name != format_) continue;
      if (known.type == type) return known;
      types.push_back(known.type);
    }
    refuse("weights.type", quoted_text(type), quoted_list(types) + " with " + quoted_text(format_));
  }

  BlockShape blocks_of(const Config& weights, const KnownFormat& known) const {
    const std::string strategy = weights.string_or("strategy", strategy_without_name(weights));
    if (strategy.empty() ||
        std::ranges::find(known.strategies, strategy) == known.strategies.end()) {
      refuse("weights.strategy", quoted_text(strategy),
             quoted_list(known.strategies) + " with " + quoted_text(format_));
    }
    if (strategy == "group" || strategy == "tensor_group") {
      const int64_t size = weights.integer("group_size");
      if (known.group > 0 ? size != known.group : size % 16 != 0) {
        refuse("weights.group_size", std::to_string(size),
               (known.group > 0 ? std::to_string(known.group) : "multiples of 16") + " with " +
                   quoted_text(format_));
      }
      weights.require("block_structure", nullptr);
      return {.rows = 1, .columns = size};
    }
    weights.integer_or("group_size", -1, -1, -1);
    if (strategy != "block") {
      weights.require("block_structure", nullptr);
      return {.rows = strategy == "channel" ? 1 : 0, .columns = 0};
    }
    const std::vector<int64_t> sizes = weights.integers_or_empty("block_structure");
    if (sizes.size() != 2 || sizes[0] < 1 || sizes[1] < 16 || sizes[1] % 16 != 0) {
      refuse("weights.block_structure", found_text(weights.raw("block_structure")),
             "[rows, columns], columns a multiple of 16");
    }
    return {.rows = sizes[0], .columns = sizes[1]};
  }

  // As compressed-tensors has it.
  static std::string_view strategy_without_name(const Config& weights) {
    if (!weights.has("group_size")) return "tensor";
    return weights.integer("group_size", -1) == -1 ? "channel" : "group";
  }

  // "group" gives columns groups in another order, which weight_g_idx has; the others change how
  // codes were found alone.
  void read_order(const Config& weights) const {
    const json::value* order = weights.raw("actorder");
    if (!order || (order->is_bool() && !order->get_bool()) || *order == json::value("static") ||
        *order == json::value("weight"))
      return;
    if (*order != json::value("group") && *order != json::value("dynamic") &&
        *order != json::value(true)) {
      refuse("weights.actorder", value_text(*order), "null, \"static\", \"weight\" and \"group\"");
    }
    notes_.push_back(group_.file() + ": " + path_ + ".weights.actorder " + value_text(*order) +
                     ": " + std::string(kGroupOrderNote));
  }

  [[noreturn]] void refuse(const std::string& key, const std::string& found,
                           const std::string& accepted) const {
    refuse_setting(group_, path_ + "." + key, found, accepted);
  }

  std::string path_, format_;
  Config group_;
  std::vector<std::string>& notes_;
};

// Sparse weights that are stored as dense ones are as good as dense.
bool is_nothing(const json::value& setting) {
  const json::object* object = setting.if_object();
  if (!object) return false;
  const json::value* format = object->if_contains("format");
  return object->empty() || (format && *format == json::value("dense"));
}

}  // namespace

std::shared_ptr<const Quantisation> read_compressed_tensors(const Config& config) {
  const std::string path = "quantization_config.config_groups",
                    format = read_format(config, "quantization_config.format", "");
  const json::value* value = config.raw("config_groups");
  const json::object* object = value ? value->if_object() : nullptr;
  if (!object || object->empty())
    refuse_setting(config, path, found_text(value), "groups by their names");
  CompressedTargets targets;
  std::vector<CompressedScheme> groups;
  std::vector<std::string> notes;
  for (const auto& member : *object) {
    const std::string name(member.key()), own = path + "." + name;
    const std::optional<Config> config_of_group = config.child("config_groups")->child(name);
    if (!config_of_group) refuse_setting(config, own, "nothing", "an object");
    const Group group(*config_of_group, own, format, notes);
    for (const std::string& target : group.targets())
      targets.add(target, groups.size(), config.file() + ": " + quoted_text(own + ".targets"));
    groups.push_back(group.read());
  }
  // Codes were written with either; what has none is refused by the types of its tensors.
  const std::string status = config.string_or("quantization_status", "compressed");
  if (status != "compressed" && status != "frozen") {
    refuse_setting(config, "quantization_config.quantization_status", quoted_text(status),
                   "\"compressed\" and \"frozen\"");
  }
  for (const char* key : {"sparsity_config", "transform_config", "moe_sparsity_config"}) {
    const json::value* setting = config.raw(key);
    if (!setting || is_nothing(*setting)) continue;
    refuse_setting(config, std::string("quantization_config.") + key, value_text(*setting),
                   "null and what has the \"format\" \"dense\"");
  }
  config.strings_or_empty("ignore");  // they are dense in the file
  config.ignore({"global_compression_ratio", "version"});
  const auto made = std::make_shared<CompressedTensors>(std::move(targets), std::move(groups));
  made->notes = std::move(notes);
  read_kv_cache(config, "kv_cache_scheme", *made);
  return made;
}

}  // namespace vecton::checkpoint
