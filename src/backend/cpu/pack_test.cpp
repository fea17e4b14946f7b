#include "backend/cpu/pack.h"

#include <gmock/gmock.h>

#include <cstring>
#include <vector>

#include "base/half.h"
#include "vecton/error.h"

namespace vecton::cpu {
namespace {

constexpr int64_t kLanes = 4;

// Row r, column c holds 10 r + c, at an address that is not aligned.
struct Stored {
  std::vector<std::byte> bytes;
  int released = 0;
  tensor::Weight weight;

  Stored(int64_t rows, int64_t columns, tensor::DType dtype, float first = 0) {
    const int64_t size = tensor::size_of(dtype);
    bytes.resize(static_cast<size_t>(rows * columns * size + 1));
    for (int64_t i = 0; i < rows * columns; ++i) {
      const float value = first + static_cast<float>(10 * (i / columns) + i % columns);
      const uint16_t half =
          dtype == tensor::DType::kF16 ? base::float_to_f16(value) : base::float_to_bf16(value);
      std::memcpy(bytes.data() + 1 + i * size,
                  dtype == tensor::DType::kF32 ? static_cast<const void*>(&value) : &half,
                  static_cast<size_t>(size));
    }
    weight.name = "layer.weight";
    weight.codes.dtype = dtype;
    weight.rows = rows;
    weight.columns = columns;
    weight.codes.bytes = std::span(bytes).subspan(1);
    weight.release = [this] { ++released; };
  }
};

class Pack : public testing::Test {
 protected:
  std::vector<float> packed(std::span<const tensor::Weight> parts, bool gated = false) {
    return packed(parts, PanelForm{.gated = gated});
  }
  std::vector<float> packed(std::span<const tensor::Weight> parts, const PanelForm& form) {
    matrix_ = pack(pool_, memory_, parts, form, kLanes);
    const int64_t size = tensor::size_of(matrix_->dtype);
    std::vector<float> values;
    for (int64_t i = 0; i < matrix_->bytes / size; ++i) {
      const std::byte* at = matrix_->data.get() + i * size;
      float value;
      uint16_t half;
      std::memcpy(&value, at, sizeof value);
      std::memcpy(&half, at, sizeof half);
      values.push_back(matrix_->dtype == tensor::DType::kF32   ? value
                       : matrix_->dtype == tensor::DType::kF16 ? base::f16_to_float(half)
                                                               : base::bf16_to_float(half));
    }
    return values;
  }

  base::ThreadPool pool_{1};
  PanelMemory memory_;
  std::shared_ptr<PackedMatrix> matrix_;
};

TEST_F(Pack, LaysStackedRowsAsColumnsOfPanelsAndPadsTheLast) {
  Stored a(6, 2, tensor::DType::kF32), b(4, 2, tensor::DType::kF32, 100);
  const tensor::Weight parts[] = {a.weight, b.weight};
  EXPECT_THAT(packed(parts),
              testing::ElementsAre(0, 10, 20, 30, 40, 50, 100, 110, 1, 11, 21, 31, 41, 51, 101, 111,
                                   120, 130, 0, 0, 0, 0, 0, 0, 121, 131, 0, 0, 0, 0, 0, 0));
  EXPECT_EQ(matrix_->n, 10);
  EXPECT_EQ(matrix_->bytes, 2 * 8 * 2 * 4);
  EXPECT_EQ(a.released, 1);
  EXPECT_EQ(b.released, 1);
}

TEST_F(Pack, KeepsHalfFloatsAsTheyAre) {
  Stored a(8, 1, tensor::DType::kF16);
  EXPECT_THAT(packed({&a.weight, 1}), testing::ElementsAre(0, 10, 20, 30, 40, 50, 60, 70));
}

TEST_F(Pack, InterleavesTheTwoVectorsOfBfloat16) {
  Stored a(7, 1, tensor::DType::kBF16);
  EXPECT_THAT(packed({&a.weight, 1}), testing::ElementsAre(0, 40, 10, 50, 20, 60, 30, 0));
}

TEST_F(Pack, PutsGateAndUpSideBySide) {
  Stored gate(5, 1, tensor::DType::kF32), up(5, 1, tensor::DType::kF32, 100);
  const tensor::Weight parts[] = {gate.weight, up.weight};
  EXPECT_THAT(packed(parts, true),
              testing::ElementsAre(0, 10, 20, 30, 100, 110, 120, 130, 40, 0, 0, 0, 140, 0, 0, 0));
  EXPECT_EQ(matrix_->n, 5);
}

TEST_F(Pack, WidensPartsOfDifferentTypes) {
  Stored a(4, 1, tensor::DType::kBF16), b(4, 1, tensor::DType::kF16, 5);
  const tensor::Weight parts[] = {a.weight, b.weight};
  EXPECT_THAT(packed(parts), testing::ElementsAre(0, 10, 20, 30, 5, 15, 25, 35));
  EXPECT_EQ(matrix_->dtype, tensor::DType::kF32);
}

TEST_F(Pack, RoundsToBfloat16) {
  Stored a(3, 1, tensor::DType::kF32, 1000), b(2, 1, tensor::DType::kF16, 5),
      c(1, 1, tensor::DType::kBF16, 7);
  const tensor::Weight parts[] = {a.weight, b.weight, c.weight};
  EXPECT_THAT(packed(parts, {.compute = ops::Compute::kBFloat16}),
              testing::ElementsAre(1000, 15, 1008, 7, 1020, 0, 5, 0));
  EXPECT_EQ(matrix_->dtype, tensor::DType::kBF16);
}

TEST_F(Pack, PutsTwoOfAColumnIntoAWord) {
  Stored a(3, 3, tensor::DType::kF32);
  EXPECT_THAT(packed({&a.weight, 1}, {.compute = ops::Compute::kBFloat16, .pairs = true}),
              testing::ElementsAre(0, 1, 10, 11, 20, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  //
                                   2, 0, 12, 0, 22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}

TEST_F(Pack, MatricesOutliveTheirMemory) {
  Stored a(8, 1, tensor::DType::kF32);
  auto memory = std::make_unique<PanelMemory>();
  const auto made = pack(pool_, *memory, {&a.weight, 1}, {}, kLanes);
  memory.reset();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(made->data.get()) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<const float*>(made->data.get())[7], 70);
}

}  // namespace
}  // namespace vecton::cpu
