#include "media/image_processor.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/config.h"
#include "media/processors.h"
#include "vecton/error.h"

namespace vecton::media {

namespace {

namespace fs = std::filesystem;
using checkpoint::Config;

struct Class {
  std::string_view name;  // of image_processor_type, without "ImageProcessor" and "Fast"
  ProcessorPointer (*make)(const Config& config, const ModelSettings& model);
};

constexpr Class kClasses[] = {
    {"CLIP", make_clip},        {"Siglip", make_siglip},     {"Gemma3", make_gemma3},
    {"Siglip2", make_siglip2},  {"Qwen2VL", make_qwen2_vl},  {"Qwen2_5_VL", make_qwen2_vl},
    {"Qwen3VL", make_qwen2_vl}, {"Idefics3", make_idefics3}, {"PaddleOCRVL", make_paddleocr_vl},
    {"Pixtral", make_pixtral},
};

// processor_config.json goes first where it has an image processor, as in transformers.
std::optional<Config> find_processor(const fs::path& folder) {
  const fs::path nested = folder / "processor_config.json";
  if (base::is_file(nested)) {
    if (auto own = Config::read(nested).child("image_processor")) return own;
  }
  const fs::path file = folder / "preprocessor_config.json";
  if (!base::is_file(file)) return std::nullopt;
  return Config::read(file);
}

// A size that is said anew counts more than the file's older names of it.
Config laid_over(const Config& config, const json::object& overrides) {
  json::object values = config.values();
  if (overrides.contains("size")) values.erase("min_pixels"), values.erase("max_pixels");
  return {std::move(values), config.file() + " with mm_processor_kwargs", overrides};
}

Config read_processor(const fs::path& folder, const json::object& overrides) {
  if (auto config = find_processor(folder))
    return overrides.empty() ? *std::move(config) : laid_over(*config, overrides);
  throw Error(ErrorCode::kNotFound,
              folder.string() +
                  ": a model that reads images needs preprocessor_config.json, "
                  "or an image_processor in processor_config.json");
}

std::string class_name(const Config& config) {
  std::string name = config.string_or("image_processor_type", "");
  if (name.empty()) name = config.string("feature_extractor_type");
  for (const std::string_view ending : {"Fast", "Pil", "ImageProcessor", "FeatureExtractor"})
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  // What PaddleOCR-VL's own code calls its class.
  if (name == "Siglip" && config.has("merge_size")) name = "PaddleOCRVL";
  return name;
}

// The tower's patch_size, where config.json has it: in vision_config, at the top or of the model
// inside, or in the file itself, which is a tower's own.
ModelSettings model_settings(const fs::path& folder) {
  ModelSettings model;
  if (base::is_file(folder / "processor_config.json"))
    model.processor = Config::read(folder / "processor_config.json");
  if (!base::is_file(folder / "config.json")) return model;
  Config config = Config::read(folder / "config.json");
  if (const auto inner = config.child("vlm_config")) config = *inner;
  const Config vision = config.child("vision_config").value_or(config);
  if (vision.has("patch_size")) model.patch = vision.integer("patch_size", 1, 4096);
  if (config.has("spatial_merge_size")) model.merge = config.integer("spatial_merge_size", 1, 64);
  return model;
}

}  // namespace

bool has_image_processor(const fs::path& folder) { return find_processor(folder).has_value(); }

std::unique_ptr<const ImageProcessor> open_image_processor(const fs::path& folder) {
  return open_image_processor(folder, {});
}

std::unique_ptr<const ImageProcessor> open_image_processor(const fs::path& folder,
                                                           const json::object& overrides) {
  const Config config = read_processor(folder, overrides);
  const std::string name = class_name(config);
  std::string names;
  for (const Class& candidate : kClasses) {
    if (name != candidate.name) {
      names += (names.empty() ? "" : ", ") + std::string(candidate.name) + "ImageProcessor";
      continue;
    }
    ProcessorPointer processor = candidate.make(config, model_settings(folder));
    if (const std::vector<std::string> unread = config.unread(); !unread.empty()) {
      throw Error(ErrorCode::kUnsupported, config.file() + ": " + unread.front() +
                                               " is not known of a " + name + "ImageProcessor");
    }
    return processor;
  }
  throw Error(ErrorCode::kUnsupported, config.file() + ": image_processor_type " + name +
                                           " is not served; these are: " + names);
}

}  // namespace vecton::media
