// MXFP4 as OpenAI publishes GPT-OSS: X_blocks [experts, out, in / 32, 16], two codes of E2M1 in a
// byte, the low half first, and X_scales [experts, out, in / 32] of E8M0, for X of experts stacked.
// Read as X.weight [experts, out, in].
#include "checkpoint/quantised/formats.h"
#include "checkpoint/quantised/parts.h"
#include "checkpoint/shape.h"

namespace vecton::checkpoint {

namespace {

constexpr int64_t kMxfp4Block = 32;

class OpenaiMxfp4 final : public Quantisation {
  void gather(Tensors& tensors) const override {
    for (const std::string& module : modules_with(tensors, "_blocks")) {
      Parts parts(tensors, module);
      const StoredTensor& blocks = parts.take("_blocks", {tensor::DType::kU8}, 4);
      const std::vector<int64_t>& shape = blocks.shape;
      if (shape[3] * 2 != kMxfp4Block)
        fail(blocks, "expected blocks of 16 bytes, found " + shape_text(shape));
      parts.take("_scales", {tensor::DType::kU8}, std::span(shape).first(3));
      parts.replace(".weight", {shape[0], shape[1], shape[2] * kMxfp4Block}, "MXFP4", 4,
                    [](std::span<const StoredTensor> stored) {
                      Parts::Made made;
                      made.weight.codes.kind = tensor::Codes::Kind::kFp4E2M1;
                      made.weight.codes.bytes = stored[0].bytes;
                      made.weight.scale = {.type = tensor::BlockNumbers::Type::kE8M0,
                                           .block_columns = kMxfp4Block,
                                           .bytes = stored[1].bytes};
                      return made;
                    });
    }
  }
};

}  // namespace

std::shared_ptr<const Quantisation> read_openai_mxfp4(const Config& config) {
  config.strings_or_empty("modules_to_not_convert");  // they are dense in the file
  config.ignore({"dequantize"});
  return std::make_shared<OpenaiMxfp4>();
}

}  // namespace vecton::checkpoint
