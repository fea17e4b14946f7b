// A tile of few queries against the same queries in a tile of many, and key heads together against
// each alone: to the bit, on every table that this machine can run.
#include "backend/cpu/attention_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "tensor/narrow.h"

namespace vecton::cpu {
namespace {

struct Case {
  int64_t group, head_dim, keys, rows;
  bool causal = false, sinks = false;
  int64_t window = 0;
  tensor::DType dtype = tensor::DType::kF32;
  int64_t run = 1 << 20;  // keys that lie together
  int64_t wide = 0;       // the last keys, in float32 whatever the others are
};

// A sequence's queries, which are its last tokens, its keys and values, in runs with gaps.
class Sequence {
 public:
  Sequence(const Case& c, unsigned seed) : c_(c), random_(seed) {
    const int64_t narrow = c.keys - c.wide;
    for (int64_t begin = 0, end; begin < c.keys; begin = end) {
      end = std::min(begin < narrow ? narrow : c.keys, begin + c.run);
      const tensor::DType dtype = begin < narrow ? c.dtype : tensor::DType::kF32;
      const int64_t step = stride() * tensor::size_of(dtype);
      for (std::vector<std::vector<std::byte>>* of : {&k_, &v_}) {
        std::vector<std::byte>& rows =
            of->emplace_back(static_cast<size_t>((end - begin) * step + 64));
        for (int64_t i = 0; i < (end - begin) * stride(); ++i)
          tensor::store_number(normal_(random_), rows.data(), dtype, i);
      }
      runs_.push_back({begin, end, k_.back().data(), v_.back().data(), stride(), stride(), dtype});
    }
    q_ = numbers(c.rows * q_stride() + 16);
    sinks_ = numbers(kHeads * c.group);
    positions_.resize(static_cast<size_t>(c.rows));
    std::iota(positions_.begin(), positions_.end(), static_cast<int32_t>(c.keys - c.rows));
  }

  // Of the queries [begin, end) of some key heads, as rows of all of them.
  std::vector<float> attend(const AttentionKernels& kernels, int64_t begin, int64_t end,
                            int64_t head, int64_t heads) const {
    std::vector<float> out(static_cast<size_t>(c_.rows * q_stride()), 7);
    const auto floats = static_cast<size_t>(kernels.scratch_floats(c_.head_dim, heads, true) + 15);
    const std::unique_ptr<float, decltype(&std::free)> scratch(
        static_cast<float*>(std::aligned_alloc(64, floats / 16 * 64)), &std::free);
    const int64_t column = head * c_.group * c_.head_dim;
    kernels.attend({.q = q_.data() + column,
                    .out = out.data() + column,
                    .q_stride = q_stride(),
                    .out_stride = q_stride(),
                    .runs = runs_.data(),
                    .run_count = std::ssize(runs_),
                    .heads = heads,
                    .kv_column = head * c_.head_dim,
                    .positions = c_.causal || c_.window > 0 ? positions_.data() : nullptr,
                    .group = c_.group,
                    .head_dim = c_.head_dim,
                    .keys = c_.keys,
                    .begin = begin,
                    .end = end,
                    .scale = 0.3f,
                    .softcap = 0,
                    .causal = c_.causal,
                    .window = c_.window,
                    .bias = nullptr,
                    .sinks = c_.sinks ? sinks_.data() + head * c_.group : nullptr},
                   scratch.get());
    return out;
  }

  // The same of the last key head alone, as [query][head_dim].
  std::vector<float> attend(const AttentionKernels& kernels, int64_t begin, int64_t end) const {
    const std::vector<float> out = attend(kernels, begin, end, kHeads - 1, 1);
    std::vector<float> some;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t head = (kHeads - 1) * c_.group + i % c_.group;
      const auto from = out.begin() + i / c_.group * q_stride() + head * c_.head_dim;
      some.insert(some.end(), from, from + c_.head_dim);
    }
    return some;
  }

  static constexpr int64_t kHeads = 3;

 private:
  int64_t stride() const { return kHeads * c_.head_dim; }
  int64_t q_stride() const { return kHeads * c_.group * c_.head_dim; }
  std::vector<float> numbers(int64_t count) {
    std::vector<float> x(static_cast<size_t>(count));
    for (float& value : x) value = normal_(random_);
    return x;
  }

  const Case c_;
  std::mt19937 random_;
  std::normal_distribution<float> normal_;
  std::vector<std::vector<std::byte>> k_, v_;
  std::vector<KeyRun> runs_;
  std::vector<float> q_, sinks_;
  std::vector<int32_t> positions_;
};

constexpr Case kCases[] = {
    {.group = 1, .head_dim = 64, .keys = 200, .rows = 12},
    {.group = 2, .head_dim = 128, .keys = 119, .rows = 9, .causal = true},
    {.group = 3, .head_dim = 64, .keys = 121, .rows = 7, .causal = true, .run = 16},
    {.group = 4, .head_dim = 32, .keys = 400, .rows = 5, .causal = true, .sinks = true},
    {.group = 4, .head_dim = 256, .keys = 360, .rows = 4, .causal = true, .window = 70},
    {.group = 2, .head_dim = 80, .keys = 33, .rows = 16, .window = 5, .run = 10},
    {.group = 2,
     .head_dim = 128,
     .keys = 500,
     .rows = 8,
     .causal = true,
     .dtype = tensor::DType::kBF16,
     .run = 48},
    {.group = 1,
     .head_dim = 96,
     .keys = 17,
     .rows = 17,
     .causal = true,
     .dtype = tensor::DType::kF8E4M3},
    {.group = 2,
     .head_dim = 128,
     .keys = 300,
     .rows = 8,
     .causal = true,
     .dtype = tensor::DType::kF8E4M3,
     .run = 16,
     .wide = 3},
    {.group = 3,
     .head_dim = 64,
     .keys = 130,
     .rows = 6,
     .causal = true,
     .dtype = tensor::DType::kF8E5M2,
     .run = 7,
     .wide = 1},
    {.group = 2,
     .head_dim = 96,
     .keys = 250,
     .rows = 5,
     .sinks = true,
     .window = 40,
     .dtype = tensor::DType::kBF16,
     .run = 13,
     .wide = 60},
    {.group = 1,
     .head_dim = 80,
     .keys = 140,
     .rows = 5,
     .causal = true,
     .dtype = tensor::DType::kBF16,
     .run = 50,
     .wide = 1},
    {.group = 16, .head_dim = 16, .keys = 1, .rows = 1, .causal = true, .sinks = true},
};

TEST(Attention, FewQueriesHaveTheBitsOfMany) {
  for (const Isa isa : supported_isas()) {
    const AttentionKernels& kernels = attention_kernels(isa);
    for (const Case& c : kCases) {
      SCOPED_TRACE(std::string(to_string(isa)) + ", group " + std::to_string(c.group) + ", keys " +
                   std::to_string(c.keys));
      const Sequence sequence(c, 5);
      const int64_t queries = c.rows * c.group;
      std::vector<float> many;
      for (int64_t begin = 0; begin < queries; begin += kernels.tile_queries) {
        const int64_t end = std::min(queries, begin + kernels.tile_queries);
        const std::vector<float> some = sequence.attend(kernels, begin, end);
        many.insert(many.end(), some.begin(), some.end());
      }
      for (int64_t few = 1; few <= std::min<int64_t>(4, kernels.tile_queries); ++few) {
        for (int64_t begin = 0; begin < queries; begin += few) {
          const int64_t end = std::min({queries, begin + few, (begin / c.group + 1) * c.group});
          const std::vector<float> some = sequence.attend(kernels, begin, end);
          for (size_t i = 0; i < some.size(); ++i) {
            ASSERT_EQ(std::bit_cast<uint32_t>(some[i]),
                      std::bit_cast<uint32_t>(many[static_cast<size_t>(begin * c.head_dim) + i]))
                << few << " from " << begin << ", number " << i;
          }
        }
      }
    }
  }
}

TEST(Attention, KeyHeadsTogetherHaveTheBitsOfEachAlone) {
  for (const Isa isa : supported_isas()) {
    const AttentionKernels& kernels = attention_kernels(isa);
    for (const Case& c : kCases) {
      SCOPED_TRACE(std::string(to_string(isa)) + ", group " + std::to_string(c.group) + ", keys " +
                   std::to_string(c.keys));
      const Sequence sequence(c, 6);
      const int64_t queries = c.rows * c.group;
      for (const int64_t few : {std::min(c.group, kernels.tile_queries), kernels.tile_queries}) {
        const int64_t begin = std::max<int64_t>(0, queries - few);
        for (const int64_t first : {0, 1}) {
          const int64_t heads = Sequence::kHeads - first;
          const std::vector<float> all = sequence.attend(kernels, begin, queries, first, heads);
          std::vector<float> one_by_one(all.size(), 7);
          for (int64_t head = first; head < Sequence::kHeads; ++head) {
            const std::vector<float> one = sequence.attend(kernels, begin, queries, head, 1);
            for (size_t i = 0; i < one.size(); ++i) {
              if (one[i] != 7) one_by_one[i] = one[i];
            }
          }
          ASSERT_EQ(std::memcmp(all.data(), one_by_one.data(), all.size() * sizeof(float)), 0)
              << few << " queries, heads from " << first;
        }
      }
    }
  }
}

// A query that sees one key has that key's value.
TEST(Attention, EveryNumberOfACacheIsReadAsItIs) {
  constexpr int64_t kDim = 256;
  for (const auto type : {tensor::DType::kBF16, tensor::DType::kF8E4M3, tensor::DType::kF8E5M2}) {
    const int64_t numbers = tensor::size_of(type) == 1 ? kDim : 65536;
    std::vector<std::byte> codes(static_cast<size_t>(numbers * tensor::size_of(type)));
    for (int64_t i = 0; i < numbers; ++i) {
      const auto code = static_cast<uint16_t>(i);
      std::memcpy(codes.data() + i * tensor::size_of(type), &code, tensor::size_of(type));
    }
    const std::vector<std::byte> key(kDim * 2 + 64);
    const std::vector<float> q(kDim + 16);
    for (const Isa isa : supported_isas()) {
      SCOPED_TRACE(std::string(to_string(isa)) + ", " + std::to_string(static_cast<int>(type)));
      const AttentionKernels& kernels = attention_kernels(isa);
      const auto floats = static_cast<size_t>(kernels.scratch_floats(kDim, 1, true) + 15);
      const std::unique_ptr<float, decltype(&std::free)> scratch(
          static_cast<float*>(std::aligned_alloc(64, floats / 16 * 64)), &std::free);
      for (int64_t first = 0; first < numbers; first += kDim) {
        const KeyRun run{0,    1,    key.data(), codes.data() + first * tensor::size_of(type),
                         kDim, kDim, type};
        std::vector<float> out(kDim);
        kernels.attend({.q = q.data(),
                        .out = out.data(),
                        .q_stride = kDim,
                        .out_stride = kDim,
                        .runs = &run,
                        .run_count = 1,
                        .heads = 1,
                        .kv_column = 0,
                        .positions = nullptr,
                        .group = 1,
                        .head_dim = kDim,
                        .keys = 1,
                        .begin = 0,
                        .end = 1,
                        .scale = 1,
                        .softcap = 0,
                        .causal = false,
                        .window = 0,
                        .bias = nullptr,
                        .sinks = nullptr},
                       scratch.get());
        for (int64_t i = 0; i < kDim; ++i) {
          const float expected = tensor::stored_number(codes.data(), type, first + i);
          const float found = out[static_cast<size_t>(i)];
          if (std::isfinite(expected)) {  // a power of 2 may be 1 but for its last bit
            ASSERT_NEAR(found, expected, 2e-7f * std::abs(expected) + 1e-44f) << first + i;
          } else {
            ASSERT_TRUE(std::isnan(expected) ? std::isnan(found) : found == expected) << first + i;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace vecton::cpu
