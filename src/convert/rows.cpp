#include "convert/rows.h"

#include "backend/host/dequantise.h"
#include "base/half.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "checkpoint/shape.h"
#include "quantise/quantise.h"

namespace vecton::convert {

namespace {

float rounded(tensor::DType type, float value) {
  switch (type) {
    case tensor::DType::kF16:
      return base::f16_to_float(base::float_to_f16(value));
    case tensor::DType::kBF16:
      return base::bf16_to_float(base::float_to_bf16(value));
    default:
      return value;
  }
}

// scale * code + offset of a row, product and sum each rounded to `type`.
void dequantise_rounded(const tensor::Weight& weight, int64_t row, tensor::DType type,
                        std::vector<uint8_t>& codes, float* out) {
  codes.resize(static_cast<size_t>(weight.columns));
  host::read_codes(weight, row, 0, codes);
  const int64_t group = weight.scale.block_columns;
  for (int64_t begin = 0; begin < weight.columns; begin += group) {
    const float scale = rounded(type, host::block_number(weight, weight.scale, row, begin)),
                offset = rounded(type, host::block_number(weight, weight.offset, row, begin));
    for (int64_t i = begin; i < begin + group; ++i) {
      const auto code = static_cast<float>(codes[static_cast<size_t>(i)]);
      out[i] = rounded(type, rounded(type, scale * code) + offset);
    }
  }
}

}  // namespace

Rows::Rows(const checkpoint::StoredTensor& tensor)
    : numbers_(checkpoint::shape_product(tensor.shape).value_or(0)), dense_(tensor) {
  if (tensor.quantised) {
    weight_ = std::make_shared<const tensor::Weight>(tensor.quantised->weight());
    host::check_weight(*weight_);
    columns_ = weight_->columns;
  } else if (tensor.compute) {
    computed_ = tensor.compute();
    dense_.bytes = computed_;
    dense_.file = nullptr;  // whose bytes these are not
  }
}

void Rows::read(int64_t begin, std::span<float> out) const {
  if (!weight_) {
    const auto width = static_cast<size_t>(tensor::size_of(dense_.dtype));
    const auto part = dense_.bytes.subspan(static_cast<size_t>(begin) * width, out.size() * width);
    quantise::widen(dense_.dtype, part, out);
    if (dense_.file) dense_.file->release(part);
    return;
  }
  std::vector<uint8_t> codes;
  for (int64_t done = 0; done < static_cast<int64_t>(out.size()); done += columns_) {
    const int64_t row = (begin + done) / columns_;
    if (rounded_ == tensor::DType::kF32)
      host::dequantise_row(*weight_, row, out.data() + done);
    else
      dequantise_rounded(*weight_, row, rounded_, codes, out.data() + done);
  }
}

}  // namespace vecton::convert
