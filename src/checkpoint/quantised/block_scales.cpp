#include "checkpoint/quantised/block_scales.h"

#include <utility>
#include <vector>

#include "checkpoint/shape.h"

namespace vecton::checkpoint {

namespace {

// ModelOpt's [blocks of rows, 1, blocks of columns, 1] is [blocks of rows, blocks of columns].
std::vector<int64_t> without_ones_at_end(std::vector<int64_t> shape) {
  if (shape.size() == 4 && shape[1] == 1) shape.erase(shape.begin() + 1);
  while (!shape.empty() && shape.back() == 1) shape.pop_back();
  return shape;
}

}  // namespace

BlockShape take_scales(Parts& parts, std::string_view ending, std::span<const int64_t> shape,
                       BlockShape blocks) {
  if (blocks.rows == 0) blocks.rows = shape[0];
  if (blocks.columns == 0) blocks.columns = shape[1];
  const StoredTensor& scales =
      parts.take(ending, {tensor::DType::kF32, tensor::DType::kF16, tensor::DType::kBF16}, 0);
  const std::vector<int64_t> expected = {(shape[0] - 1) / blocks.rows + 1,
                                         (shape[1] - 1) / blocks.columns + 1};
  if (without_ones_at_end(scales.shape) != without_ones_at_end(expected))
    fail(scales, "expected " + shape_text(expected) + ", found " + shape_text(scales.shape));
  return blocks;
}

void gather_fp8(Parts& parts, std::string_view scales, BlockShape blocks, std::string format) {
  const std::vector<int64_t> shape = parts.take(".weight", {tensor::DType::kF8E4M3}).shape;
  const BlockShape sized = take_scales(parts, scales, shape, blocks);
  parts.replace(".weight", shape, std::move(format), 8,
                [sized](std::span<const StoredTensor> stored) {
                  Parts::Made made;
                  made.weight.codes.kind = tensor::Codes::Kind::kFp8E4M3;
                  made.weight.codes.bytes = stored[0].bytes;
                  made.weight.scale = numbers_of(stored[1], sized.columns, sized.rows);
                  return made;
                });
}

}  // namespace vecton::checkpoint
