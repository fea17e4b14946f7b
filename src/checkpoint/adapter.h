// Adapter: a PEFT folder, adapter_config.json with adapter_model.safetensors: what was trained on
// top of a base model that lies elsewhere. LoRA (Hu et al. 2021, arXiv:2106.09685) is merged into
// the base's weights, any other method is refused by name. Read when a model is opened; a plain
// value.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/safetensors.h"

namespace vecton::checkpoint {

inline constexpr std::string_view kAdapterConfig = "adapter_config.json";
// The first that is there is read.
inline constexpr std::string_view kAdapterWeights[] = {"adapter_model.safetensors",
                                                       "adapter_model.bin"};

struct Adapter {
  std::filesystem::path folder;
  std::string base, revision;    // base_model_name_or_path; "" = the hub's main
  std::string task_type;         // "FEATURE_EXTRACTION", "SEQ_CLS", ...; "" = it doesn't say
  double alpha = 0;              // lora_alpha
  bool rank_stabilised = false;  // use_rslora: divided by sqrt(r) instead of r
  // alpha_pattern: regular expressions of modules' names, in the file's order.
  std::vector<std::pair<std::string, double>> alphas;
  std::vector<std::string> unknown_keys;  // of adapter_config.json

  // The adapter of a folder; none where it has no adapter_config.json, or no adapter's weights
  // beside a model of its own. Errors: a method that is not merged (names the base model and says
  // how to merge), a setting that is not supported.
  static std::optional<Adapter> find(const std::filesystem::path& folder);

  // The base model where it is a folder: as it is named, or beside the adapter; a checkpoint, where
  // one of these is. "" = ask the hub.
  std::filesystem::path base_folder() const;

  // alpha / r, or alpha / sqrt(r), of the module called so.
  double scale(const std::string& module, int64_t rank) const;
};

// The base's tensors with the adapter's merged in. A merged tensor is float32 and computed when its
// bytes are asked for. Errors name the adapter's tensor.
Tensors merge_adapter(Tensors base, const Adapter& adapter);

}  // namespace vecton::checkpoint
