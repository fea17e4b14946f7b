// Handles: views share storage and say where they lie in it.
#include "tensor/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/batch.h"
#include "tensor/cache.h"
#include "tensor/dtype.h"
#include "tensor/indices.h"
#include "tensor/weight.h"

namespace vecton::tensor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Memory final : Storage {};

Tensor matrix(int64_t rows, int64_t columns, int64_t stride) {
  return {std::make_shared<Memory>(), rows, columns, stride};
}

TEST(Tensor, ByDefaultIsNothing) {
  const Tensor none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.storage(), nullptr);
  EXPECT_EQ(none.rows() + none.columns() + none.stride() + none.offset(), 0);
}

TEST(Tensor, IsEmptyWithoutRowsOrColumns) {
  EXPECT_TRUE(matrix(0, 5, 5).empty());
  EXPECT_TRUE(matrix(5, 0, 5).empty());
  EXPECT_FALSE(matrix(1, 1, 1).empty());
}

// Element (i, j) of a view lies at offset + i stride + j.
TEST(Tensor, ASliceOfASliceLiesWhereBothSay) {
  const Tensor x = matrix(6, 8, 10);
  const Tensor y = x.slice_rows(2, 3).slice_columns(4, 3).slice_rows(1, 2).slice_columns(2, 1);
  EXPECT_EQ(y.rows(), 2);
  EXPECT_EQ(y.columns(), 1);
  EXPECT_EQ(y.stride(), 10);
  EXPECT_EQ(y.offset(), (2 + 1) * 10 + 4 + 2);
  EXPECT_EQ(y.storage(), x.storage());
}

TEST(Tensor, TheOrderOfSlicesIsOfNoMatter) {
  const Tensor x = matrix(6, 8, 8);
  const Tensor a = x.slice_rows(1, 4).slice_columns(3, 2),
               b = x.slice_columns(3, 2).slice_rows(1, 4);
  EXPECT_EQ(a.offset(), b.offset());
  EXPECT_EQ(a.rows(), b.rows());
  EXPECT_EQ(a.columns(), b.columns());
}

TEST(Tensor, AWholeSliceIsTheTensor) {
  const Tensor x = matrix(3, 4, 7), y = x.slice_rows(0, 3).slice_columns(0, 4);
  EXPECT_EQ(y.offset(), 0);
  EXPECT_EQ(y.rows(), 3);
  EXPECT_EQ(y.columns(), 4);
  EXPECT_TRUE(x.slice_rows(3, 0).empty());
}

TEST(Tensor, IsUniqueWhileNobodyElseRefersToItsStorage) {
  Tensor x = matrix(2, 2, 2);
  EXPECT_TRUE(x.unique());
  {
    const Tensor view = x.slice_rows(0, 1);
    EXPECT_FALSE(x.unique());
    EXPECT_FALSE(view.unique());
  }
  EXPECT_TRUE(x.unique());
  const Tensor moved = std::move(x);
  EXPECT_TRUE(moved.unique());
}

TEST(Indices, SayTheirSize) {
  EXPECT_TRUE(Indices().empty());
  EXPECT_EQ(Indices().storage(), nullptr);
  const Indices three(std::make_shared<Memory>(), 3);
  EXPECT_EQ(three.size(), 3);
  EXPECT_FALSE(three.empty());
}

// Sizes of torch's element_size().
TEST(DType, HasASizeAndAName) {
  const std::tuple<DType, int64_t, const char*, bool> types[] = {
      {DType::kF64, 8, "float64", false}, {DType::kF32, 4, "float32", true},
      {DType::kF16, 2, "float16", true},  {DType::kBF16, 2, "bfloat16", true},
      {DType::kI64, 8, "int64", false},   {DType::kI32, 4, "int32", false},
      {DType::kI16, 2, "int16", false},   {DType::kI8, 1, "int8", false},
      {DType::kU64, 8, "uint64", false},  {DType::kU32, 4, "uint32", false},
      {DType::kU16, 2, "uint16", false},  {DType::kU8, 1, "uint8", false},
      {DType::kBool, 1, "bool", false}};
  for (const auto& [type, size, name, is_a_float] : types) {
    EXPECT_EQ(size_of(type), size) << name;
    EXPECT_EQ(to_string(type), name);
    EXPECT_EQ(is_float(type), is_a_float) << name;
  }
}

TEST(Codes, SayHowManyBitsTheyTake) {
  const auto bits = [](Codes codes) { return codes.stored_bits(); };
  EXPECT_EQ(bits({.kind = Codes::Kind::kFloat, .dtype = DType::kF32}), 32);
  EXPECT_EQ(bits({.kind = Codes::Kind::kFloat, .dtype = DType::kBF16}), 16);
  for (int n = 2; n <= 8; ++n) EXPECT_EQ(bits({.kind = Codes::Kind::kUint, .bits = n}), n);
  EXPECT_EQ(bits({.kind = Codes::Kind::kFp4E2M1}), 4);
  EXPECT_EQ(bits({.kind = Codes::Kind::kFp8E4M3}), 8);
  EXPECT_EQ(bits({.kind = Codes::Kind::kTable}), 4);
}

// A row begins at a byte: ceil(columns * bits / 8).
TEST(Weight, RowsBeginAtBytes) {
  Weight weight;
  weight.codes.kind = Codes::Kind::kUint;
  const std::tuple<int, int64_t, int64_t> cases[] = {{3, 8, 3}, {3, 9, 4}, {4, 1, 1}, {4, 2, 1},
                                                     {4, 3, 2}, {5, 7, 5}, {8, 7, 7}, {2, 5, 2}};
  for (const auto& [bits, columns, bytes] : cases) {
    weight.codes.bits = bits;
    weight.columns = columns;
    EXPECT_EQ(weight.row_bytes(), bytes) << bits << " bits, " << columns << " columns";
  }
}

TEST(Weight, IsDenseWhereNothingIsToBeUndone) {
  const std::byte bytes[8] = {};
  Weight weight;
  EXPECT_FALSE(weight.exists());
  weight.codes.bytes = bytes;
  EXPECT_TRUE(weight.exists());
  EXPECT_TRUE(weight.is_dense());
  weight.factor = 2;
  EXPECT_FALSE(weight.is_dense());
  weight.factor = 1;
  weight.scale.bytes = bytes;
  EXPECT_FALSE(weight.is_dense());
  weight.scale = {};
  weight.offset.bytes = bytes;
  EXPECT_FALSE(weight.is_dense());
  weight.offset = {};
  weight.codes.dtype = DType::kI8;
  EXPECT_FALSE(weight.is_dense());
  weight.codes.dtype = DType::kF16;
  EXPECT_TRUE(weight.is_dense());
  weight.codes.kind = Codes::Kind::kFp8E4M3;
  EXPECT_FALSE(weight.is_dense());
}

TEST(Rows, CountTheirSequencesAndTheLongest) {
  EXPECT_EQ(Rows().sequences(), 0);
  EXPECT_EQ(Rows().count(), 0);
  EXPECT_EQ(Rows().longest(), 0);
  const Rows rows{.offsets = {0, 2, 2, 5}, .index = {0, 1, 4, 5, 6}};
  EXPECT_EQ(rows.sequences(), 3);
  EXPECT_EQ(rows.count(), 5);
  EXPECT_EQ(rows.longest(), 7);  // a sequence that goes on from cached rows
}

Batch two_sequences() {
  Batch batch;
  batch.ids = {1, 2, 3, 4, 5};
  batch.rows = {.offsets = {0, 3, 5}, .index = {0, 1, 2, 0, 1}};
  batch.wanted = batch.rows;
  return batch;
}

TEST(Batch, CountsTokensAndSequences) {
  const Batch batch = two_sequences();
  EXPECT_EQ(batch.tokens(), 5);
  EXPECT_EQ(batch.sequences(), 2);
  EXPECT_TRUE(batch.all_wanted());
  EXPECT_EQ(Batch().tokens(), 0);
  EXPECT_EQ(Batch().sequences(), 0);
}

TEST(Batch, WantedPositionsAreRowsOfTheBatch) {
  Batch batch = two_sequences();
  EXPECT_THAT(wanted_positions(batch), ElementsAre(0, 1, 2, 3, 4));
  batch.wanted = {.offsets = {0, 1, 3}, .index = {2, 0, 1}};
  EXPECT_FALSE(batch.all_wanted());
  EXPECT_THAT(wanted_positions(batch), ElementsAre(2, 3, 4));
  batch.wanted = {.offsets = {0, 0, 0}, .index = {}};
  EXPECT_THAT(wanted_positions(batch), IsEmpty());
}

// The first sequence has four rows in the cache: its rows here are the positions 4 and 5.
TEST(Batch, WantedPositionsGoOnFromWhatIsCached) {
  Batch batch;
  batch.ids = {1, 2, 3};
  batch.rows = {.offsets = {0, 2, 3}, .index = {4, 5, 0}};
  batch.wanted = {.offsets = {0, 1, 2}, .index = {5, 0}};
  EXPECT_THAT(wanted_positions(batch), ElementsAre(1, 2));
}

KeysAndValues window(int64_t size) {
  return {.kv_heads = 1, .key_dim = 2, .value_dim = 2, .window = size};
}

auto group(int64_t window, std::vector<int64_t> layers) {
  return ::testing::AllOf(::testing::Field(&CacheGroup::window, window),
                          ::testing::Field(&CacheGroup::layers, layers));
}

TEST(CacheGroups, AreOfLayersThatSeeEquallyFar) {
  EXPECT_THAT(cache_groups({}), IsEmpty());
  EXPECT_THAT(cache_groups({window(0), window(0)}), ElementsAre(group(0, {0, 1})));
  EXPECT_THAT(cache_groups({window(8), window(0), window(8), window(0)}),
              ElementsAre(group(8, {0, 2}), group(0, {1, 3})));
}

TEST(CacheGroups, HaveAsManyLayersAsTheRarestKind) {
  EXPECT_THAT(
      cache_groups({window(8), window(8), window(0), window(8), window(8), window(0), window(8)}),
      ElementsAre(group(8, {0, 1}), group(8, {3, 4}), group(8, {6}), group(0, {2, 5})));
  EXPECT_THAT(
      cache_groups({window(8), window(0), window(8), window(4), window(0)}),
      ElementsAre(group(8, {0}), group(8, {2}), group(0, {1}), group(0, {4}), group(4, {3})));
}

TEST(CacheGroups, HeadsAndSizesDoNotPartThem) {
  EXPECT_THAT(cache_groups({KeysAndValues{.kv_heads = 1, .key_dim = 2, .value_dim = 2},
                            KeysAndValues{.kv_heads = 8, .key_dim = 64, .value_dim = 32}}),
              ElementsAre(group(0, {0, 1})));
}

TEST(CacheGroups, LatentRowsAreSeenByAllAndWhatIsNotKeptInRowsIsInNone) {
  EXPECT_THAT(cache_groups({Latent{.rank = 4, .rope_dim = 2}, window(0)}),
              ElementsAre(group(0, {0, 1})));
  EXPECT_THAT(cache_groups({window(0), RecurrentState{.rows = 2, .columns = 3},
                            SharedWith{.layer = 0}, window(0)}),
              ElementsAre(group(0, {0, 3})));
}

TEST(LayerCache, ComparesByWhatItSays) {
  EXPECT_EQ(LayerCache(window(3)), LayerCache(window(3)));
  EXPECT_NE(LayerCache(window(3)), LayerCache(window(4)));
  EXPECT_NE(LayerCache(SharedWith{.layer = 0}), LayerCache(RecurrentState{}));
  EXPECT_NE(LayerCache(SharedWith{.layer = 0}), LayerCache(SharedWith{.layer = 1}));
}

}  // namespace
}  // namespace vecton::tensor
