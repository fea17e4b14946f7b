// MLX: X.weight as uint32 words, X.scales and, in the affine mode, X.biases, where X is the path of
// a module. config.json's "quantization" has the mode, bits and group size of all and, under the
// paths of modules, of those that differ. A module without scales is not quantised.
#include <algorithm>
#include <map>
#include <utility>

#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/formats.h"
#include "checkpoint/quantised/parts.h"
#include "checkpoint/shape.h"

namespace vecton::checkpoint {

namespace {

struct Mode {
  std::string_view name;
  tensor::Codes::Kind codes;
  int64_t group, bits;  // by default; of modes other than affine the only ones
};
constexpr Mode kModes[] = {
    {"affine", tensor::Codes::Kind::kUint, 64, 4},
    {"mxfp4", tensor::Codes::Kind::kFp4E2M1, 32, 4},
    {"nvfp4", tensor::Codes::Kind::kFp4E2M1, 16, 4},
    {"mxfp8", tensor::Codes::Kind::kFp8E4M3, 32, 8},
};
constexpr int64_t kAffineBits[] = {2, 3, 4, 5, 6, 8}, kAffineGroups[] = {32, 64, 128};

struct Settings {
  const Mode* mode = &kModes[0];
  int64_t group = 0, bits = 0;

  bool affine() const { return mode->codes == tensor::Codes::Kind::kUint; }
  std::string format() const {
    return "MLX " + std::string(mode->name) +
           (affine() ? " " + std::to_string(bits) + " bits" : "");
  }
};

std::string listed(std::span<const int64_t> numbers) {
  std::string text;
  for (const int64_t number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

// `path` is where the object is, for messages.
Settings read_settings(const Config& config, const std::string& path) {
  Settings settings;
  const std::string mode = config.string_or("mode", "affine");
  settings.mode = std::ranges::find(kModes, mode, &Mode::name);
  if (settings.mode == std::end(kModes))
    refuse_setting(config, path + ".mode", quoted_text(mode), "affine, mxfp4, nvfp4 and mxfp8");
  settings.group = config.integer_or("group_size", settings.mode->group);
  settings.bits = config.integer_or("bits", settings.mode->bits);
  const std::span<const int64_t> bits =
      settings.affine() ? std::span(kAffineBits) : std::span(&settings.mode->bits, 1);
  const std::span<const int64_t> groups =
      settings.affine() ? std::span(kAffineGroups) : std::span(&settings.mode->group, 1);
  const std::string with = " with mode " + mode;
  if (std::ranges::find(bits, settings.bits) == bits.end())
    refuse_setting(config, path + ".bits", std::to_string(settings.bits), listed(bits) + with);
  if (std::ranges::find(groups, settings.group) == groups.end())
    refuse_setting(config, path + ".group_size", std::to_string(settings.group),
                   listed(groups) + with);
  return settings;
}

class Mlx final : public Quantisation {
 public:
  explicit Mlx(const Config& config) : file_(config.file()) {
    const Config object = *config.child("quantization");
    all_ = read_settings(object, "quantization");
    for (const auto& [key, value] : config.raw("quantization")->as_object()) {
      if (key == "mode" || key == "bits" || key == "group_size") continue;
      const std::string path(key);
      if (value.is_bool()) {
        object.ignore({path});
        if (!value.get_bool()) dense_.push_back(path);
      } else if (value.is_object()) {
        modules_.emplace(path, read_settings(*object.child(path), "quantization." + path));
      }  // else nobody knows it, which Config::check_read says
    }
  }

  void gather(Tensors& tensors) const override {
    for (const auto& [module, settings] : modules_) {
      const auto weight = tensors.find(module + ".weight");
      if (weight != tensors.end() && !tensors.contains(module + ".scales"))
        fail(weight->second, file_ + " says that it is quantised, and there are no " +
                                 name_text(module + ".scales"));
    }
    for (const std::string& module : modules_with(tensors, ".scales")) {
      if (!tensors.contains(module + ".weight")) continue;
      const auto own = modules_.find(module);
      if (std::ranges::count(dense_, module) > 0)
        fail(tensors.at(module + ".scales"), file_ + " says that it is not quantised");
      gather(Parts(tensors, module), own == modules_.end() ? all_ : own->second);
    }
  }

 private:
  static void gather(Parts parts, const Settings& settings) {
    const StoredTensor& words = parts.take(".weight", {tensor::DType::kU32}, 0);
    if (words.shape.size() < 2)
      fail(words, "expected rows of words, found " + shape_text(words.shape));
    std::vector<int64_t> shape = words.shape;
    const int64_t bits = shape.back() * 32;
    shape.back() = bits / settings.bits;
    if (bits % settings.bits != 0 || shape.back() % settings.group != 0) {
      fail(words, std::to_string(words.shape.back()) + " words a row are no groups of " +
                      std::to_string(settings.group) + " codes of " +
                      std::to_string(settings.bits) + " bits, which the config has");
    }
    std::vector<int64_t> groups = shape;
    groups.back() /= settings.group;
    if (settings.affine()) {
      const StoredTensor& scales = parts.take(
          ".scales", {tensor::DType::kF32, tensor::DType::kF16, tensor::DType::kBF16}, groups);
      parts.take(".biases", {scales.dtype}, groups);
    } else {
      parts.take(".scales", {tensor::DType::kU8}, groups);
      if (parts.has(".biases"))
        fail(parts.take(".biases", {tensor::DType::kF32, tensor::DType::kF16, tensor::DType::kBF16},
                        0),
             "mode " + std::string(settings.mode->name) + " has none");
    }
    parts.replace(".weight", shape, settings.format(), static_cast<int>(settings.bits),
                  [settings](std::span<const StoredTensor> stored) {
                    return Parts::Made{.weight = weight_of(settings, stored), .copy = {}};
                  });
  }

  static tensor::Weight weight_of(const Settings& settings, std::span<const StoredTensor> stored) {
    tensor::Weight weight;
    weight.codes.kind = settings.mode->codes;
    weight.codes.bits = static_cast<int>(settings.bits);
    weight.codes.bytes = stored[0].bytes;
    if (settings.affine()) {
      weight.scale = numbers_of(stored[1], settings.group);
      weight.offset = numbers_of(stored[2], settings.group);
    } else {
      weight.scale = {.type = settings.mode->name == "nvfp4" ? tensor::BlockNumbers::Type::kE4M3
                                                             : tensor::BlockNumbers::Type::kE8M0,
                      .block_columns = settings.group,
                      .bytes = stored[1].bytes};
    }
    return weight;
  }

  std::string file_;
  Settings all_;
  std::map<std::string, Settings> modules_;
  std::vector<std::string> dense_;
};

}  // namespace

std::shared_ptr<const Quantisation> read_mlx(const Config& config) {
  return std::make_shared<Mlx>(config);
}

}  // namespace vecton::checkpoint
