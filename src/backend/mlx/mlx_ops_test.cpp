// What is this backend's own: which weights keep their form, and memory that workers share. What
// operations compute is the op table's (tests/ops).
#include "backend/mlx/mlx_ops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "vecton/error.h"

namespace vecton::backend {
namespace {

using tensor::BlockNumbers;
using tensor::Codes;

constexpr int64_t kRows = 8, kColumns = 256;

struct Stored {
  std::vector<std::byte> codes = std::vector<std::byte>(static_cast<size_t>(kRows * kColumns)),
                         scales = codes, offsets = codes;

  tensor::Weight weight(Codes::Kind kind, int bits, BlockNumbers::Type type, int64_t block,
                        bool has_offset) {
    tensor::Weight made;
    made.name = "test.weight";
    made.rows = kRows;
    made.columns = kColumns;
    made.codes.kind = kind;
    made.codes.bits = bits;
    made.codes.bytes = codes;
    made.scale = {.type = type, .block_columns = block, .bytes = scales};
    if (has_offset) made.offset = {.type = type, .block_columns = block, .bytes = offsets};
    return made;
  }
};

int64_t bytes_of(const tensor::Weight& weight) {
  return make_mlx_ops("cpu")->prepare_linear({&weight, 1}, ops::Compute::kFloat32)->bytes;
}

TEST(MlxWeights, MlxsFormsTakeTheMemoryThatTheyHaveInTheFile) {
  Stored stored;
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int64_t group : {32, 64, 128}) {
      for (const auto& [type, size] :
           {std::pair(BlockNumbers::Type::kF16, 2), std::pair(BlockNumbers::Type::kF32, 4)}) {
        EXPECT_EQ(bytes_of(stored.weight(Codes::Kind::kUint, bits, type, group, true)),
                  kRows * kColumns * bits / 8 + kRows * kColumns / group * 2 * size)
            << bits << " bits in groups of " << group;
      }
    }
  }
  const int64_t numbers = kRows * kColumns;
  EXPECT_EQ(bytes_of(stored.weight(Codes::Kind::kFp4E2M1, 4, BlockNumbers::Type::kE8M0, 32, false)),
            numbers / 2 + numbers / 32);
  EXPECT_EQ(bytes_of(stored.weight(Codes::Kind::kFp4E2M1, 4, BlockNumbers::Type::kE4M3, 16, false)),
            numbers / 2 + numbers / 16);
  EXPECT_EQ(bytes_of(stored.weight(Codes::Kind::kFp8E4M3, 8, BlockNumbers::Type::kE8M0, 32, false)),
            numbers + numbers / 32);
}

// GGUF's Q4_0, AWQ: a zero point is an offset of float32, scales are widened with it.
TEST(MlxWeights, ZeroPointsOfSixteenBitScalesBecomeOffsets) {
  Stored stored;
  tensor::Weight weight = stored.weight(Codes::Kind::kUint, 4, BlockNumbers::Type::kF16, 32, false);
  weight.codes.zero_point = 8;
  EXPECT_EQ(bytes_of(weight), kRows * kColumns / 2 + kRows * kColumns / 32 * 2 * 4);
}

TEST(MlxWeights, OtherFormsAreFloats) {
  Stored stored;
  const int64_t floats = kRows * kColumns * 4;
  // Blocks that MLX has no kernel for, scales whose offset is no float32, other floats and tables.
  EXPECT_EQ(bytes_of(stored.weight(Codes::Kind::kUint, 4, BlockNumbers::Type::kF16, 16, true)),
            floats);
  EXPECT_EQ(bytes_of(stored.weight(Codes::Kind::kUint, 7, BlockNumbers::Type::kF16, 32, true)),
            floats);
  EXPECT_EQ(bytes_of(stored.weight(Codes::Kind::kFp4E2M1, 4, BlockNumbers::Type::kF16, 32, false)),
            floats);
  EXPECT_EQ(bytes_of(stored.weight(Codes::Kind::kTable, 4, BlockNumbers::Type::kF16, 32, false)),
            floats);
  tensor::Weight zero = stored.weight(Codes::Kind::kUint, 4, BlockNumbers::Type::kF32, 32, false);
  zero.codes.zero_point = 8;
  EXPECT_EQ(bytes_of(zero), floats);
}

// Workers write their pages of one cache while others read theirs.
TEST(MlxMemory, ForksShareWhatIsKept) {
  constexpr int32_t kWorkers = 4, kOwn = 16, kTimes = 30;
  const std::unique_ptr<Ops> root = make_mlx_ops("cpu");
  const Tensor cache = root->allocate_kept(kWorkers * kOwn, 8);
  std::vector<std::thread> workers;
  std::vector<int> wrong(kWorkers);
  for (int32_t worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      const std::unique_ptr<Ops> ops = root->fork();
      std::vector<int32_t> own(kOwn), every(kOwn);
      std::iota(own.begin(), own.end(), worker * kOwn);
      std::iota(every.begin(), every.end(), 0);
      const tensor::Indices to = ops->upload_indices(own), from = ops->upload_indices(every);
      for (int time = 0; time < kTimes; ++time) {
        const std::vector<float> values(kOwn * 8, static_cast<float>(worker * 100 + time));
        ops->store_rows(ops->scale(ops->upload(values, kOwn, 8), 2), from, cache, to);
        std::vector<float> read(kOwn * 8);
        if (time % 3 != 0) continue;  // what is written is computed later
        ops->download(ops->gather_rows(cache, to), read);
        for (const float value : read) wrong[static_cast<size_t>(worker)] += value != 2 * values[0];
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_THAT(wrong, testing::Each(0));
  std::vector<float> all(kWorkers * kOwn * 8);
  root->download(cache, all);
  for (int32_t worker = 0; worker < kWorkers; ++worker)
    EXPECT_EQ(all[static_cast<size_t>(worker * kOwn * 8)], 2 * (worker * 100 + kTimes - 1));
}

TEST(MlxDevices, AnUnknownOneIsRefused) {
  EXPECT_THAT([] { make_mlx_ops("tpu"); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("'tpu' is none of the devices")));
  EXPECT_EQ(make_mlx_ops("cpu")->isa(), "cpu");
}

}  // namespace
}  // namespace vecton::backend
