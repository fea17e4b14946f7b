#include "checkpoint/adapter.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/config.h"
#include "checkpoint/name_expression.h"
#include "checkpoint/name_text.h"
#include "checkpoint/weight_files.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

namespace fs = std::filesystem;

// Settings of LoRA that change the result otherwise than merging does; `harmless` is what they are
// when they don't.
struct Setting {
  const char *key, *harmless;
};
constexpr Setting kRefused[] = {
    {"use_dora", "false"},         {"use_qalora", "false"},     {"use_bdlora", "null"},
    {"layer_replication", "null"}, {"arrow_config", "null"},    {"alora_invocation_tokens", "null"},
    {"target_parameters", "null"}, {"kasa_config", "null"},     {"monteclora_config", "null"},
    {"velora_config", "null"},     {"megatron_config", "null"}, {"trainable_token_indices", "null"},
};

[[noreturn]] void refuse(const Config& config, const std::string& what, const std::string& base) {
  throw Error(ErrorCode::kUnsupported,
              config.file() + ": " + what + " on the base model " + quoted_text(base) +
                  " is not merged here, only LoRA on linear layers and embeddings is. To merge it: "
                  "python -c \"from peft import AutoPeftModel; "
                  "AutoPeftModel.from_pretrained('ADAPTER').merge_and_unload()"
                  ".save_pretrained('NEW')\", then copy the tokenizer's files");
}

bool is_harmless(const json::value& value, std::string_view harmless) {
  const bool empty = (value.is_array() && value.get_array().empty()) ||
                     (value.is_object() && value.get_object().empty());
  return value.is_null() || empty || value == json::parse(harmless);
}

// PiSSA, OLoRA, CorDA and LoftQ change the base's weights before they train.
void check_initialisation(const Config& config, const std::string& base) {
  const json::value* value = config.raw("init_lora_weights");
  if (!value || value->is_bool()) return;
  const std::string name = config.string("init_lora_weights");
  if (name == "gaussian" || name == "eva" || name == "orthogonal" || name == "mica") return;
  refuse(config, "init_lora_weights " + quoted_text(name), base);
}

std::vector<std::pair<std::string, double>> read_alphas(const Config& config) {
  std::vector<std::pair<std::string, double>> alphas;
  const json::value* map = config.raw("alpha_pattern");
  if (!map) return alphas;
  if (!map->is_object())
    throw Error(ErrorCode::kCorrupt, config.file() + ": \"alpha_pattern\": expected an object");
  for (const auto& [pattern, alpha] : map->get_object()) {
    if (!alpha.is_number()) {
      throw Error(ErrorCode::kCorrupt, config.file() + ": \"alpha_pattern\": " +
                                           quoted_text(pattern) + ": expected a number");
    }
    alphas.emplace_back(pattern, alpha.to_number<double>());
  }
  return alphas;
}

// Whether `pattern` matches the end of `module` from the beginning of one of its parts, as PEFT
// reads these patterns.
bool matches(const std::string& pattern, const std::string& module, const std::string& file) {
  const NameExpression expression("(?:.*\\.)?(?:" + pattern + ")$",
                                  file + ": \"alpha_pattern\": " + quoted_text(pattern));
  return expression.matches_start(module);
}

Adapter read(const fs::path& folder) {
  const Config config = Config::read(folder / kAdapterConfig);
  Adapter adapter{.folder = folder,
                  .base = config.string("base_model_name_or_path"),
                  .revision = config.string_or("revision", ""),
                  .task_type = config.string_or("task_type", "")};
  const std::string method = config.string("peft_type");
  if (method != "LORA") refuse(config, "the method " + quoted_text(method), adapter.base);
  for (const auto& [key, harmless] : kRefused) {
    const json::value* value = config.raw(key);
    if (!value || is_harmless(*value, harmless)) continue;
    const bool dora = std::string_view(key) == "use_dora";
    refuse(config, dora ? "DoRA (use_dora)" : std::string(key), adapter.base);
  }
  check_initialisation(config, adapter.base);
  const std::string bias = config.string_or("bias", "none");  // the tensors are there, or are not
  if (bias != "none" && bias != "all" && bias != "lora_only")
    throw Error(ErrorCode::kCorrupt, config.file() + ": bias " + quoted_text(bias) +
                                         " is not known; none, all and lora_only are");
  adapter.alpha = config.number_or("lora_alpha", 8);
  adapter.rank_stabilised = config.boolean_or("use_rslora", false);
  adapter.alphas = read_alphas(config);
  // Which modules have which rank is in the shapes of the tensors. fan_in_fan_out is for layers
  // that no family here has, and PEFT takes it back for the others. The rest is for training.
  config.ignore({"r",
                 "rank_pattern",
                 "target_modules",
                 "exclude_modules",
                 "modules_to_save",
                 "layers_to_transform",
                 "layers_pattern",
                 "fan_in_fan_out",
                 "lora_bias",
                 "lora_dropout",
                 "inference_mode",
                 "auto_mapping",
                 "peft_version",
                 "megatron_core",
                 "loftq_config",
                 "eva_config",
                 "corda_config",
                 "lora_ga_config",
                 "runtime_config",
                 "qalora_group_size",
                 "ensure_weight_tying"});
  adapter.unknown_keys = config.check_read();
  return adapter;
}

}  // namespace

std::optional<Adapter> Adapter::find(const fs::path& folder) {
  if (!base::is_file(folder / kAdapterConfig)) return std::nullopt;
  const bool weights = std::ranges::any_of(
      kAdapterWeights, [&](std::string_view name) { return base::is_file(folder / name); });
  // A model that an adapter was merged into may keep the adapter's settings.
  if (!weights && base::is_file(folder / "config.json")) return std::nullopt;
  Adapter adapter = read(folder);
  if (weights) return adapter;
  throw Error(ErrorCode::kNotFound, folder.string() + ": adapter_config.json is there, " +
                                        std::string(kAdapterWeights[0]) + " (or " +
                                        std::string(kAdapterWeights[1]) + ") is not");
}

fs::path Adapter::base_folder() const {
  std::error_code error;
  const fs::path named(base);
  fs::path first;  // which may not be a checkpoint: what opens it says so
  for (const fs::path& place : {named, folder / named, folder.parent_path() / named,
                                folder.parent_path() / named.filename()}) {
    if (!fs::is_directory(place, error) || fs::equivalent(place, folder, error)) continue;
    if (base::is_file(place / "config.json")) return place;
    if (first.empty()) first = place;
  }
  return first;
}

double Adapter::scale(const std::string& module, int64_t rank) const {
  const auto found = std::ranges::find_if(alphas, [&](const auto& entry) {
    return matches(entry.first, module, (folder / kAdapterConfig).string());
  });
  const double own = found == alphas.end() ? alpha : found->second;
  const auto r = static_cast<double>(rank);
  return own / (rank_stabilised ? std::sqrt(r) : r);
}

}  // namespace vecton::checkpoint
