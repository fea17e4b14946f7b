// AWQ as AutoAWQ's GEMM kernels read it (arXiv:2306.00978): qweight [in, out / 8], qzeros
// [in / 128, out / 8], scales [in / 128, out]; w = (code - zero) * scale. The codes of a word stand
// in an order of their own.
#include <array>

#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/column_codes.h"
#include "checkpoint/quantised/formats.h"
#include "checkpoint/shape.h"

namespace vecton::checkpoint {

namespace {

constexpr int64_t kGroup = 128, kPerWord = 8;
// Bits 4 i of a word hold column kColumn[i] of its eight.
constexpr std::array<int64_t, kPerWord> kColumn = {0, 2, 4, 6, 1, 3, 5, 7};

ColumnCodes read_codes(std::span<const StoredTensor> parts) {
  const StoredTensor &words = parts[0], &zeros = parts[1];
  ColumnCodes columns{.in = words.shape[0],
                      .out = words.shape[1] * kPerWord,
                      .group = kGroup,
                      .bits = 4,
                      .codes = std::vector<std::byte>(words.bytes.size()),
                      .zeros = std::vector<uint8_t>(zeros.bytes.size() * 2),
                      .scales = &parts[2]};
  const int64_t row_words = words.shape[1], row_bytes = columns.in / 2;
  for (int64_t w = 0; w < row_words; ++w) {
    for (int64_t k = 0; k < columns.in; k += 2) {
      const uint32_t low = word_at(words, k * row_words + w),
                     high = word_at(words, (k + 1) * row_words + w);
      for (int64_t i = 0; i < kPerWord; ++i) {
        const int64_t row = w * kPerWord + kColumn[static_cast<size_t>(i)];
        columns.codes[static_cast<size_t>(row * row_bytes + k / 2)] =
            static_cast<std::byte>((low >> 4 * i & 15u) | (high >> 4 * i & 15u) << 4);
      }
    }
  }
  for (int64_t at = 0; at < zeros.shape[0] * row_words; ++at) {
    const uint32_t word = word_at(zeros, at);
    for (int64_t i = 0; i < kPerWord; ++i) {
      columns.zeros[static_cast<size_t>(at * kPerWord + kColumn[static_cast<size_t>(i)])] =
          static_cast<uint8_t>(word >> 4 * i & 15u);
    }
  }
  return columns;
}

class Awq final : public Quantisation {
  void gather(Tensors& tensors) const override {
    for (const std::string& module : modules_with(tensors, ".qweight")) {
      Parts parts(tensors, module);
      const StoredTensor& words = parts.take(".qweight", {tensor::DType::kI32});
      const int64_t in = words.shape[0], out = words.shape[1] * kPerWord;
      if (in % kGroup != 0) {
        fail(words, "expected rows in groups of " + std::to_string(kGroup) + ", found " +
                        shape_text(words.shape));
      }
      const int64_t zeros[] = {in / kGroup, words.shape[1]}, scales[] = {in / kGroup, out};
      parts.take(".qzeros", {tensor::DType::kI32}, zeros);
      parts.take(".scales", {tensor::DType::kF16, tensor::DType::kBF16, tensor::DType::kF32},
                 scales);
      parts.replace(
          ".weight", {out, in}, "AWQ 4 bits", 4,
          [](std::span<const StoredTensor> stored) { return weight_of(read_codes(stored)); },
          more_bytes_of_columns(in / kGroup * out, 4));
    }
  }
};

}  // namespace

std::shared_ptr<const Quantisation> read_awq(const Config& config) {
  for (const char* key : {"bits", "w_bit"}) config.require(key, int64_t{4});
  for (const char* key : {"group_size", "q_group_size"}) config.require(key, kGroup);
  config.require("zero_point", true);
  // The older name, and that of transformers 5.
  for (const std::string key : {"version", "format"}) {
    const std::string layout = config.string_or(key, "gemm");
    if (layout != "gemm" && layout != "GEMM")
      refuse_setting(config, "quantization_config." + key, quoted_text(layout), "\"gemm\"");
  }
  config.strings_or_empty("modules_to_not_convert");  // they are dense in the file
  ignore_gptq_making(config);
  // Of GPTQ alone, and how others run it.
  config.ignore(
      {"desc_act", "do_fuse", "exllama_config", "fuse_max_seq_len", "modules_to_fuse", "sym"});
  return std::make_shared<Awq>();
}

}  // namespace vecton::checkpoint
