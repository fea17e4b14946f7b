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

std::vector<float> numbers(int64_t count) {
  std::vector<float> made;
  for (int64_t i = 0; i < count; ++i) made.push_back(static_cast<float>(i * 7 % 11 - 5) / 8);
  return made;
}

struct Floats {
  std::vector<float> values;
  tensor::Weight weight;

  Floats(int64_t rows, int64_t columns) : values(numbers(rows * columns)) {
    weight.name = "test.weight";
    weight.rows = rows;
    weight.columns = columns;
    weight.codes.bytes = std::as_bytes(std::span(values));
  }
};

// Layers of a mixture of experts and of a recurrent model among them.
TEST(MlxDevice, APassWaitsForItsResultsOnly) {
  constexpr int64_t kTokens = 9, kWidth = 32, kExperts = 4;
  const std::unique_ptr<Ops> ops = make_mlx_ops("cpu");
  const Floats matrix(kWidth, kWidth), router(kExperts, kWidth);
  const ops::LinearWeight linear{.w = ops->prepare_linear({&matrix.weight, 1}), .bias = {}},
      logits{.w = ops->prepare_linear({&router.weight, 1}), .bias = {}};
  ops::Experts experts;
  for (int64_t i = 0; i < kExperts; ++i) {
    experts.all.push_back(
        {.up = ops::GatedWeight{.w = ops->prepare_gated(matrix.weight, matrix.weight), .bias = {}},
         .down = {.w = ops->prepare_linear({&matrix.weight, 1}), .bias = {}}});
  }
  const ops::NormWeight norm{.kind = ops::NormWeight::Kind::kRmsNorm,
                             .weight = ops->prepare_parameters(numbers(kWidth), 1, kWidth),
                             .bias = {},
                             .eps = 1e-6f};
  const ops::Vector rate = ops->prepare_parameters(numbers(2), 1, 2);
  const Tensor taps = ops->prepare_parameters(numbers(3 * kWidth), 3, kWidth);
  const Tensor steps = ops->upload(numbers(2 * kTokens), kTokens, 2);
  tensor::Rows rows;
  for (const int32_t length : {4, 5}) {
    for (int32_t i = 0; i < length; ++i) rows.index.push_back(i);
    rows.offsets.push_back(rows.offsets.back() + length);
  }
  const tensor::SequenceRows sequences = ops->upload_rows(std::move(rows));
  const ops::AttentionShape heads{
      .heads = 2, .kv_heads = 2, .head_dim = kWidth / 2, .scale = 0.25f, .causal = true};
  const ops::DeltaShape delta{
      .key_heads = 2, .value_heads = 2, .key_dim = kWidth / 2, .value_dim = kWidth / 2};

  const int64_t before = MlxDevice::waits();
  Tensor x = ops->upload(numbers(kTokens * kWidth), kTokens, kWidth);
  for (int layer = 0; layer < 3; ++layer) {
    x = ops->norm(std::move(x), norm);
    x = ops->attention(x, x, x, heads, sequences, sequences.offsets);
    x = ops->short_conv(x, taps, {}, sequences);
    x = ops->gated_delta({.q = x, .k = x, .v = x, .step = steps, .beta = steps, .rate = rate},
                         delta, sequences)
            .y;
    const ops::Routes routes = ops->route(ops->linear(x, logits), {.k = 2, .normalize = true});
    x = ops->add(ops->experts(x, routes, experts), ops->linear(x, linear));
  }
  x = ops->l2_normalize(ops->pool(x, ops::Pooling::kMean, sequences));
  EXPECT_EQ(MlxDevice::waits(), before);
  const std::vector<std::vector<float>> all =
      ops->download_all(std::vector<Tensor>{x.slice_rows(0, 1), x.slice_rows(1, 1)});
  EXPECT_EQ(MlxDevice::waits(), before + 1);
  for (const std::vector<float>& row : all) EXPECT_THAT(row, testing::Each(testing::Le(1.0f)));
}

// As logits are, of many sequences.
TEST(MlxDevice, RowsOfOneTensorAreWaitedForOnce) {
  constexpr int64_t kRows = 5, kColumns = 7;
  const std::unique_ptr<Ops> ops = make_mlx_ops("cpu");
  const std::vector<float> values = numbers(kRows * kColumns);
  const int64_t before = MlxDevice::waits();
  const Tensor x = ops->scale(ops->upload(values, kRows, kColumns), 2);
  for (int64_t i = 0; i < kRows; ++i) {
    std::vector<float> row(3);
    ops->download(x.slice_rows(i, 1).slice_columns(2, 3), row);
    for (int64_t j = 0; j < 3; ++j)
      EXPECT_EQ(row[static_cast<size_t>(j)], 2 * values[static_cast<size_t>(i * kColumns + 2 + j)]);
  }
  EXPECT_EQ(MlxDevice::waits(), before + 1);
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

TEST(MlxLimits, FollowWhatTheDeviceRecommends) {
  constexpr size_t kGiB = size_t{1} << 30;
  EXPECT_EQ(limits_for(0).cache, kGiB);
  EXPECT_EQ(limits_for(0).wired, 0u);
  EXPECT_EQ(limits_for(5 * kGiB).cache, 5 * kGiB / 8);  // a Mac of 8 GiB
  EXPECT_EQ(limits_for(5 * kGiB).wired, 5 * kGiB);
  EXPECT_EQ(limits_for(96 * kGiB).cache, kGiB);
}

// What MLX keeps between passes is within its limit, and is given back.
TEST(MlxLimits, AreKept) {
  const std::unique_ptr<Ops> ops = make_mlx_ops("");
  const size_t limit = mx::set_cache_limit(size_t{1} << 20);  // the limit before, for the moment
  EXPECT_GT(limit, 0u);
  mx::set_cache_limit(limit);
  for (int64_t rows = 100; rows < 1000; rows += 100) {
    std::vector<float> values(static_cast<size_t>(rows * 64), 1);
    ops->download(ops->scale(ops->upload(values, rows, 64), 2), values);
    EXPECT_EQ(values.back(), 2);
    EXPECT_LE(ops->held_bytes(), static_cast<int64_t>(limit));
  }
  ops->give_back_memory();
  EXPECT_EQ(ops->held_bytes(), 0);
}

TEST(MlxDevices, AnUnknownOneIsRefused) {
  EXPECT_THAT([] { make_mlx_ops("tpu"); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("'tpu' is none of the devices")));
  EXPECT_EQ(make_mlx_ops("cpu")->isa(), "cpu");
}

}  // namespace
}  // namespace vecton::backend
