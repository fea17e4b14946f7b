// A tile of few queries against the same queries in a tile of many, and key heads together against
// each alone: to the bit, on every table that this machine can run.
#include "backend/cpu/attention_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
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
};

// A sequence's queries, which are its last tokens, its keys and values, in runs with gaps.
class Sequence {
 public:
  Sequence(const Case& c, unsigned seed) : c_(c), random_(seed) {
    const int64_t step = stride() * tensor::size_of(c.dtype);
    for (int64_t begin = 0; begin < c.keys; begin += c.run) {
      const int64_t end = std::min(c.keys, begin + c.run);
      for (std::vector<std::vector<std::byte>>* of : {&k_, &v_}) {
        std::vector<std::byte>& rows =
            of->emplace_back(static_cast<size_t>((end - begin) * step + 64));
        for (int64_t i = 0; i < (end - begin) * stride(); ++i)
          tensor::store_number(normal_(random_), rows.data(), c.dtype, i);
      }
      runs_.push_back(
          {begin, end, k_.back().data(), v_.back().data(), stride(), stride(), c.dtype});
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

}  // namespace
}  // namespace vecton::cpu
