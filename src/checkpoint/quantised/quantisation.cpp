#include "checkpoint/quantised/quantisation.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/formats.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

constexpr std::string_view kModelOpt = "modelopt";

struct Method {
  std::string_view name;
  ReadQuantisation read;
};
constexpr Method kMethods[] = {
    {"awq", read_awq},
    {"compressed-tensors", read_compressed_tensors},
    {"fbgemm_fp8", read_fbgemm_fp8},
    {"fp8", read_fp8},
    {"gptq", read_gptq},
    {kModelOpt, read_modelopt},
    {"mxfp4", read_openai_mxfp4},
};

[[noreturn]] void refuse(const Config& config, const std::string& method) {
  std::string known;
  for (const Method& own : kMethods) known += std::string(own.name) + ", ";
  std::string hint;
  if (method == "bitsandbytes") {
    hint =
        ". To convert it: python -c \"from transformers import AutoModel; "
        "AutoModel.from_pretrained('OLD').dequantize().save_pretrained('NEW')\"";
  }
  const std::string key =
      is_modelopt_file(config) ? "producer.name" : "quantization_config.quant_method";
  throw Error(ErrorCode::kUnsupported, config.file() + ": " + quoted_text(key) + ": " +
                                           (method.empty() ? "nothing" : quoted_text(method)) +
                                           " is not supported; accepted are " + known +
                                           "and MLX checkpoints, which have \"quantization\"" +
                                           hint);
}

// Older checkpoints of bitsandbytes and ModelOpt don't name it.
std::string method_of(const Config& config) {
  if (!config.has("quant_method")) {
    if (config.has("load_in_4bit") || config.has("load_in_8bit")) return "bitsandbytes";
    const std::optional<Config> producer = config.child("producer");
    return producer ? producer->string_or("name", "") : "";
  }
  const std::string method = config.string("quant_method");
  return method.starts_with(kModelOpt) ? std::string(kModelOpt) : method;
}

// The object that says how weights are quantised. Older versions of ModelOpt wrote it to a file of
// its own beside config.json.
std::optional<Config> object_of(const Config& config) {
  std::optional<Config> object = config.child("quantization_config");
  if (object) return object;
  const std::filesystem::path own = config.file(), beside = own.parent_path() / kModelOptFile;
  if (own.filename() == "config.json" && base::is_file(beside)) return Config::read(beside);
  return std::nullopt;
}

// Names of vLLM's for kernels that run one method.
constexpr std::pair<std::string_view, std::string_view> kKernels[] = {
    {"awq_marlin", "awq"},         {"auto_awq", "awq"},           {"gptq_marlin", "gptq"},
    {"auto_gptq", "gptq"},         {"gptq_bitblas", "gptq"},      {"moe_wna16", "gptq"},
    {"gpt_oss_mxfp4", "mxfp4"},    {"fbgemm_fp8", "fp8"},         {"modelopt_fp4", kModelOpt},
    {"modelopt_mxfp8", kModelOpt}, {"modelopt_mixed", kModelOpt},
};

std::string_view without_kernel(std::string_view method) {
  const auto* kernel =
      std::ranges::find(kKernels, method, &std::pair<std::string_view, std::string_view>::first);
  return kernel == std::end(kKernels) ? method : kernel->second;
}

// What config.json says of its weights; "" = nothing.
std::string own_method(const Config& config) {
  if (config.has("quantization")) return "mlx";
  const std::optional<Config> object = object_of(config);
  return object ? method_of(*object) : "";
}

}  // namespace

bool is_modelopt_file(const Config& config) {
  return std::filesystem::path(config.file()).filename() == kModelOptFile;
}

void require_quantisation(const Config& config, const std::string& method) {
  const std::string own = own_method(config);
  const bool same = !own.empty() && without_kernel(method) == without_kernel(own);
  if (method.empty() || method == "auto" || same) return;
  throw Error(ErrorCode::kInvalidArgument,
              "quantization " + quoted_text(method) + ": " +
                  (own.empty() ? "the checkpoint's weights are not quantised; mlx-affine-8, "
                                 "mlx-affine-4, mxfp4, nvfp4 and mxfp8 quantise them"
                               : "the checkpoint's weights are quantised by " + quoted_text(own) +
                                     ", which is what would be accepted, or auto"),
              "quantization");
}

void refuse_setting(const Config& config, std::string_view path, const std::string& found,
                    const std::string& accepted) {
  throw Error(ErrorCode::kUnsupported, config.file() + ": " + quoted_text(std::string(path)) +
                                           ": " + found + " is not supported, only " + accepted);
}

std::shared_ptr<const Quantisation> read_quantisation(const Config& config) {
  if (config.has("quantization")) {
    // mlx-lm writes the same there; mlx-embeddings leaves what the source had.
    config.ignore({"quantization_config"});
    return read_mlx(config);
  }
  config.ignore({"quantization"});  // null
  const std::optional<Config> object = object_of(config);
  if (!object) return nullptr;
  const std::string method = method_of(*object);
  const auto* known = std::ranges::find(kMethods, method, &Method::name);
  if (known == std::end(kMethods)) refuse(*object, method);
  return known->read(*object);
}

}  // namespace vecton::checkpoint
