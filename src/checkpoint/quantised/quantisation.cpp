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

}  // namespace

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
