#include "checkpoint/quantised/quantisation.h"

#include <algorithm>
#include <string_view>

#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/formats.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

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
  throw Error(ErrorCode::kUnsupported, config.file() + ": \"quantization_config.quant_method\": " +
                                           (method.empty() ? "nothing" : quoted_text(method)) +
                                           " is not supported; accepted are " + known +
                                           "and MLX checkpoints, which have \"quantization\"" +
                                           hint);
}

// Older checkpoints of bitsandbytes don't name it.
std::string method_of(const Config& config) {
  const bool unnamed =
      !config.has("quant_method") && (config.has("load_in_4bit") || config.has("load_in_8bit"));
  return unnamed ? "bitsandbytes" : config.string_or("quant_method", "");
}

// Names of vLLM's for kernels that run one method.
constexpr std::pair<std::string_view, std::string_view> kKernels[] = {
    {"awq_marlin", "awq"},      {"auto_awq", "awq"},      {"gptq_marlin", "gptq"},
    {"auto_gptq", "gptq"},      {"gptq_bitblas", "gptq"}, {"moe_wna16", "gptq"},
    {"gpt_oss_mxfp4", "mxfp4"}, {"fbgemm_fp8", "fp8"},
};

std::string_view without_kernel(std::string_view method) {
  const auto* kernel =
      std::ranges::find(kKernels, method, &std::pair<std::string_view, std::string_view>::first);
  return kernel == std::end(kKernels) ? method : kernel->second;
}

// What config.json says of its weights; "" = nothing.
std::string own_method(const Config& config) {
  if (config.has("quantization")) return "mlx";
  const std::optional<Config> object = config.child("quantization_config");
  return object ? method_of(*object) : "";
}

}  // namespace

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
  const std::optional<Config> object = config.child("quantization_config");
  if (!object) return nullptr;
  const std::string method = method_of(*object);
  const auto* known = std::ranges::find(kMethods, method, &Method::name);
  if (known == std::end(kMethods)) refuse(*object, method);
  return known->read(*object);
}

}  // namespace vecton::checkpoint
