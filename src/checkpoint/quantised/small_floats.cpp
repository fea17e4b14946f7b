#include "checkpoint/quantised/small_floats.h"

#include <cmath>
#include <utility>

#include "checkpoint/float_bytes.h"
#include "checkpoint/shape.h"

namespace vecton::checkpoint {

namespace {

// One per group: X.weight_scale [out, in / group].
void take_group_scales(Parts& parts, std::span<const int64_t> size, int64_t group,
                       tensor::DType type) {
  if (size[1] % group != 0) {
    const StoredTensor& scales = parts.take(".weight_scale", {type});
    fail(scales, shape_text(size) + " is not in groups of " + std::to_string(group));
  }
  const int64_t groups[] = {size[0], size[1] / group};
  parts.take(".weight_scale", {type}, groups);
}

Parts::Made made_of(std::span<const StoredTensor> stored, tensor::Codes::Kind kind,
                    tensor::BlockNumbers::Type scales, int64_t group) {
  Parts::Made made;
  made.weight.codes.kind = kind;
  made.weight.codes.bytes = stored[0].bytes;
  made.weight.scale = {.type = scales, .block_columns = group, .bytes = stored[1].bytes};
  return made;
}

std::vector<int64_t> take_fp4(Parts& parts, std::string_view name) {
  const StoredTensor& codes = parts.take(name, {tensor::DType::kU8});
  return {codes.shape[0], codes.shape[1] * 2};
}

// What all scales of a matrix are multiplied by.
float take_factor(Parts& parts, const Nvfp4Names& names) {
  const StoredTensor& whole = parts.take(names.whole, {tensor::DType::kF32}, 0);
  if (shape_product(whole.shape) != 1)
    fail(whole, "expected one number, found " + shape_text(whole.shape));
  const float number = read_floats(whole.dtype, whole.bytes).front(),
              factor = names.divides ? 1 / number : number;
  if (!std::isfinite(number) || !std::isfinite(factor) || factor <= 0) {
    fail(whole, std::to_string(number) + ": expected a number above 0, which scales are " +
                    (names.divides ? "divided" : "multiplied") + " by");
  }
  return factor;
}

}  // namespace

void gather_nvfp4(Parts& parts, const Nvfp4Names& names, int64_t group, std::string format) {
  const std::vector<int64_t> size = take_fp4(parts, names.codes);
  take_group_scales(parts, size, group, tensor::DType::kF8E4M3);
  const float factor = take_factor(parts, names);
  parts.replace(".weight", size, std::move(format), 4,
                [group, factor](std::span<const StoredTensor> stored) {
                  Parts::Made made = made_of(stored, tensor::Codes::Kind::kFp4E2M1,
                                             tensor::BlockNumbers::Type::kE4M3, group);
                  made.weight.factor = factor;
                  return made;
                });
}

void gather_mxfp4(Parts& parts, int64_t group, std::string format) {
  const std::vector<int64_t> size = take_fp4(parts, ".weight_packed");
  take_group_scales(parts, size, group, tensor::DType::kU8);
  parts.replace(".weight", size, std::move(format), 4,
                [group](std::span<const StoredTensor> stored) {
                  return made_of(stored, tensor::Codes::Kind::kFp4E2M1,
                                 tensor::BlockNumbers::Type::kE8M0, group);
                });
}

void gather_mxfp8(Parts& parts, int64_t group, std::string format) {
  const std::vector<int64_t> size = parts.take(".weight", {tensor::DType::kF8E4M3}).shape;
  take_group_scales(parts, size, group, tensor::DType::kU8);
  parts.replace(".weight", size, std::move(format), 8,
                [group](std::span<const StoredTensor> stored) {
                  return made_of(stored, tensor::Codes::Kind::kFp8E4M3,
                                 tensor::BlockNumbers::Type::kE8M0, group);
                });
}

}  // namespace vecton::checkpoint
