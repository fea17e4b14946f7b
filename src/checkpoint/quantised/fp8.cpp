// FP8: weight [out, in] of E4M3 and its scales. weight_scale_inv has one for each block of 128 x
// 128, as DeepSeek-V3 (arXiv:2412.19437) and Qwen3 publish it, or one in all, as Mistral does;
// weight_scale has one in all (AutoFP8) or one per row (FBGEMM). Activations stay float32, whatever
// the config says of theirs.
#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/block_scales.h"
#include "checkpoint/quantised/formats.h"
#include "checkpoint/quantised/kv_cache.h"
#include "checkpoint/shape.h"

namespace vecton::checkpoint {

namespace {

constexpr int64_t kBlock = 128;

class Fp8 final : public Quantisation {
 public:
  explicit Fp8(bool in_blocks) : in_blocks_(in_blocks) {}

  void gather(Tensors& tensors) const override {
    for (const std::string_view scales : {".weight_scale_inv", ".weight_scale"}) {
      for (const std::string& module : modules_with(tensors, scales)) {
        const StoredTensor& stored = tensors.at(module + std::string(scales));
        const bool one = shape_product(stored.shape) == 1;
        Parts parts(tensors, module);
        gather_fp8(parts, scales,
                   in_blocks_ ? BlockShape{.rows = kBlock, .columns = kBlock}
                              : BlockShape{.rows = one ? 0 : 1, .columns = 0},
                   "FP8");
        // How activations would be rounded, which here they are not.
        parts.drop({".input_scale", ".activation_scale", ".input_scale_ub"});
      }
    }
    drop_kv_cache_scales(tensors);
  }

 private:
  bool in_blocks_;
};

}  // namespace

std::shared_ptr<const Quantisation> read_fp8(const Config& config) {
  const std::vector<int64_t> block = config.integers_or_empty("weight_block_size");
  if (!block.empty() && block != std::vector<int64_t>{kBlock, kBlock}) {
    refuse_setting(config, "quantization_config.weight_block_size",
                   value_text(*config.raw("weight_block_size")), "[128,128] and null");
  }
  config.require("fmt", std::string_view("e4m3"));
  const std::string scheme = config.string_or("activation_scheme", "dynamic");
  if (scheme != "dynamic" && scheme != "static") {
    refuse_setting(config, "quantization_config.activation_scheme", quoted_text(scheme),
                   "\"dynamic\" and \"static\"");
  }
  // Of scales that are powers of two, those of activations above all: the file's are floats.
  const std::string scales = config.string_or("scale_fmt", "ue8m0");
  if (scales != "ue8m0") {
    refuse_setting(config, "quantization_config.scale_fmt", quoted_text(scales),
                   "\"ue8m0\" and null");
  }
  const auto made = std::make_shared<Fp8>(!block.empty());
  for (const char* key : {"kv_cache_scheme", "kv_cache_quant_targets"})
    read_kv_cache(config, key, *made);
  // They are dense in the file.
  for (const char* key : {"modules_to_not_convert", "ignored_layers"}) config.strings_or_empty(key);
  config.ignore({"dequantize"});
  return made;
}

std::shared_ptr<const Quantisation> read_fbgemm_fp8(const Config& config) {
  config.strings_or_empty("modules_to_not_convert");  // they are dense in the file
  config.ignore({"activation_scale_ub"});             // activations stay float32
  return std::make_shared<Fp8>(false);
}

}  // namespace vecton::checkpoint
