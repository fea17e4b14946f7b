// FP8 in blocks, as DeepSeek-V3 (arXiv:2412.19437) and Qwen3 publish it: weight [out, in] of E4M3
// and weight_scale_inv, the scale of each block of 128 x 128. The last blocks may be smaller.
// Activations stay float32, whatever the config says of theirs.
#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/block_scales.h"
#include "checkpoint/quantised/formats.h"

namespace vecton::checkpoint {

namespace {

constexpr int64_t kBlock = 128;

class Fp8 final : public Quantisation {
  void gather(Tensors& tensors) const override {
    for (const std::string& module : modules_with(tensors, ".weight_scale_inv")) {
      Parts parts(tensors, module);
      gather_fp8(parts, ".weight_scale_inv", {.rows = kBlock, .columns = kBlock}, "FP8");
    }
  }
};

}  // namespace

std::shared_ptr<const Quantisation> read_fp8(const Config& config) {
  if (config.integers_or_empty("weight_block_size") != std::vector<int64_t>{kBlock, kBlock}) {
    const json::value* found = config.raw("weight_block_size");
    refuse_setting(config, "quantization_config.weight_block_size",
                   found ? value_text(*found) : "nothing", "[128,128]");
  }
  config.require("fmt", std::string_view("e4m3"));
  config.require("activation_scheme", std::string_view("dynamic"));
  config.require("scale_fmt", nullptr);
  config.strings_or_empty("modules_to_not_convert");  // they are dense in the file
  config.ignore({"dequantize"});
  return std::make_shared<Fp8>();
}

}  // namespace vecton::checkpoint
