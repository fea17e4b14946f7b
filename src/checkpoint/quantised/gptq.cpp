// GPTQ (arXiv:2210.17323) in the first version of AutoGPTQ's layout: qweight [in * bits / 32, out],
// the codes of neighbouring rows in a word from its low bits on; qzeros [in / group, out * bits /
// 32] of zero - 1; scales [in / group, out]; g_idx [in], the group of each row.
#include <algorithm>
#include <utility>

#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/column_codes.h"
#include "checkpoint/quantised/formats.h"
#include "checkpoint/quantised/group_order.h"
#include "checkpoint/shape.h"

namespace vecton::checkpoint {

namespace {

ColumnCodes read_codes(std::span<const StoredTensor> parts, int64_t bits, int64_t group) {
  const StoredTensor &words = parts[0], &zeros = parts[1];
  const int64_t per_word = 32 / bits, per_byte = 8 / bits;
  ColumnCodes columns{
      .in = words.shape[0] * per_word,
      .out = words.shape[1],
      .group = group,
      .bits = static_cast<int>(bits),
      .codes = std::vector<std::byte>(words.bytes.size()),
      .zeros = std::vector<uint8_t>(zeros.bytes.size() * static_cast<size_t>(per_byte)),
      .scales = &parts[2]};
  // A word is four bytes of its column's row, in their order.
  const int64_t row_words = words.shape[0];
  for (int64_t k = 0; k < row_words; ++k) {
    for (int64_t row = 0; row < columns.out; ++row) {
      const std::byte* from = words.bytes.data() + (k * columns.out + row) * 4;
      std::copy_n(from, 4, columns.codes.data() + (row * row_words + k) * 4);
    }
  }
  // The 1 of each zero was taken from whole words: a zero of 0 borrows from its neighbour.
  const auto mask = static_cast<uint32_t>((1 << bits) - 1), ones = 0xffffffffu / mask;
  for (int64_t at = 0; at < zeros.shape[0] * zeros.shape[1]; ++at) {
    const uint32_t word = word_at(zeros, at) + ones;
    for (int64_t i = 0; i < per_word; ++i) {
      columns.zeros[static_cast<size_t>(at * per_word + i)] =
          static_cast<uint8_t>(word >> bits * i & mask);
    }
  }
  return columns;
}

// Of groups that are not in sequence.
Parts::Made weight_in(std::span<const int32_t> order, const ColumnCodes& columns) {
  const std::vector<float> scales = transposed_floats(*columns.scales);
  const auto out = static_cast<size_t>(columns.out), groups = scales.size() / out;
  std::vector<uint8_t> zeros(scales.size());  // row by row
  for (size_t i = 0; i < zeros.size(); ++i) zeros[i] = columns.zeros[i % groups * out + i / groups];
  return weight_of(OrderedCodes{.codes = columns.codes,
                                .row_bytes = columns.in * columns.bits / 8,
                                .bits = columns.bits,
                                .scales = scales,
                                .zeros = zeros,
                                .order = order});
}

class Gptq final : public Quantisation {
 public:
  Gptq(int64_t bits, int64_t group) : bits_(bits), group_(group) {}

  void gather(Tensors& tensors) const override {
    for (const std::string& module : modules_with(tensors, ".qweight"))
      gather(Parts(tensors, module));
  }

 private:
  void gather(Parts parts) const {
    const StoredTensor& words = parts.take(".qweight", {tensor::DType::kI32});
    const int64_t per_word = 32 / bits_, in = words.shape[0] * per_word, out = words.shape[1];
    const int64_t group = group_ > 0 ? group_ : in;
    if (in % group != 0 || out % per_word != 0) {
      fail(words, shape_text(words.shape) + " is no matrix of " + std::to_string(bits_) +
                      " bits in groups of " + std::to_string(group));
    }
    const int64_t zeros[] = {in / group, out / per_word}, scales[] = {in / group, out};
    parts.take(".qzeros", {tensor::DType::kI32}, zeros);
    parts.take(".scales", {tensor::DType::kF16, tensor::DType::kBF16, tensor::DType::kF32}, scales);
    std::vector<int32_t> order = take_group_order(parts, ".g_idx", in, group);
    const std::string format = "GPTQ " + std::to_string(bits_) + " bits";
    if (!order.empty()) {
      parts.replace_by_floats(
          ".weight", {out, in}, format + " as float32",
          [bits = bits_, group, order = std::move(order)](std::span<const StoredTensor> stored) {
            return weight_in(order, read_codes(stored, bits, group));
          });
      return;
    }
    parts.replace(
        ".weight", {out, in}, format, static_cast<int>(bits_),
        [bits = bits_, group](std::span<const StoredTensor> stored) {
          return weight_of(read_codes(stored, bits, group));
        },
        more_bytes_of_columns(in / group * out, static_cast<int>(bits_)));
  }

  int64_t bits_, group_;
};

}  // namespace

void ignore_gptq_making(const Config& config) {
  config.ignore({"act_group_aware", "backend", "batch_size", "block_name_to_quantize",
                 "cache_block_outputs", "damp_percent", "dataset", "max_input_length", "meta",
                 "model_seqlen", "module_name_preceding_first_block",
                 "modules_in_block_to_quantize", "pad_token_id", "tokenizer", "true_sequential"});
}

std::shared_ptr<const Quantisation> read_gptq(const Config& config) {
  const int64_t bits = config.integer("bits"), group = config.integer_or("group_size", -1, -1);
  if (bits != 2 && bits != 4 && bits != 8)
    refuse_setting(config, "quantization_config.bits", std::to_string(bits), "2, 4 and 8");
  if (group != -1 && (group < 16 || group % 16 != 0))
    refuse_setting(config, "quantization_config.group_size", std::to_string(group),
                   "-1 (a whole row) and multiples of 16");
  const bool ordered = config.boolean_or("desc_act", false);  // g_idx says how
  for (const char* key : {"checkpoint_format", "format"})
    config.require(key, std::string_view("gptq"));
  config.require("pack_dtype", std::string_view("int32"));
  config.require("dynamic", nullptr);
  config.boolean_or("sym", true);  // the zeros say it
  ignore_gptq_making(config);
  // lm_head: its tensors say.
  config.ignore({"damp_auto_increment", "exllama_config", "lm_head", "model_file_base_name",
                 "model_name_or_path", "quantizer", "static_groups", "use_cuda_fp16",
                 "use_exllama"});
  config.require("is_marlin_format", false);
  const auto made = std::make_shared<Gptq>(bits, group);
  if (ordered)
    made->notes.push_back(config.file() + ": desc_act true: " + std::string(kGroupOrderNote));
  return made;
}

}  // namespace vecton::checkpoint
