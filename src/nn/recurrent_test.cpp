// States that are kept from pass to pass: what goes on has the bits of one pass.
#include "nn/recurrent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"
#include "ops/cache.h"

namespace vecton::nn {
namespace {

using ::testing::ElementsAreArray;
using testing::sines;
using testing::values_of;

constexpr int64_t kColumns = 2, kWidth = 4;
constexpr ops::DeltaShape kShape{.key_heads = 1, .value_heads = 1, .key_dim = 2, .value_dim = 2};

class Recurrent : public ::testing::Test {
 protected:
  Recurrent() { ops::add_states(layout_, 4, *ops_, cache_); }

  // Sequences of these lengths that go on from `slots` and are kept in `to` (-1: not).
  static tensor::Batch batch_of(const std::vector<int32_t>& lengths, std::vector<int32_t> slots,
                                const std::vector<int32_t>& to) {
    tensor::Batch batch;
    for (size_t s = 0; s < lengths.size(); ++s) {
      for (int32_t i = 0; i < lengths[s]; ++i) batch.rows.index.push_back(i);
      batch.rows.offsets.push_back(static_cast<int32_t>(batch.rows.index.size()));
      if (to[s] < 0) continue;
      batch.state_mapping.rows.push_back(static_cast<int32_t>(s));
      batch.state_mapping.slots.push_back(to[s]);
    }
    batch.ids.resize(batch.rows.index.size());
    batch.wanted = batch.rows;
    batch.state_slots = std::move(slots);
    return batch;
  }
  Tensor rows(const std::vector<float>& all, int64_t begin, int64_t count) {
    return ops_->upload(std::span(all).subspan(static_cast<size_t>(begin * kColumns),
                                               static_cast<size_t>(count * kColumns)),
                        count, kColumns);
  }
  std::vector<float> conv(const ForwardPass& pass, const Tensor& x) {
    return values_of(*ops_, causal_conv(pass, 0, x, taps_, {}));
  }
  std::vector<float> delta(const ForwardPass& pass, const Tensor& x) {
    const Tensor one = x.slice_columns(0, 1);
    const ops::Vector rate = testing::vector_of(*ops_, {-0.5f});
    return values_of(
        *ops_,
        gated_delta(pass, 1, {.q = x, .k = x, .v = x, .step = one, .beta = one, .rate = rate},
                    kShape));
  }

  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
  const tensor::CacheLayout layout_ = {
      tensor::RecurrentState{.rows = kWidth - 1, .columns = kColumns},
      tensor::RecurrentState{.state = 4}};
  tensor::Cache cache_;
  const Tensor taps_ = ops_->upload(sines(kWidth * kColumns, 0.7), kWidth, kColumns);
};

std::vector<float> slice(const std::vector<float>& all, int64_t begin, int64_t count) {
  return {all.begin() + begin * kColumns, all.begin() + (begin + count) * kColumns};
}

TEST_F(Recurrent, GoesOnWhereItWasLeft) {
  const std::vector<float> a = sines(10 * kColumns, 0.31), b = sines(6 * kColumns, 0.53);
  const tensor::Batch alone_a = batch_of({10}, {}, {-1}), alone_b = batch_of({6}, {}, {-1});
  const ForwardPass whole_a(*ops_, alone_a), whole_b(*ops_, alone_b);
  const std::vector<float> conv_a = conv(whole_a, rows(a, 0, 10)),
                           conv_b = conv(whole_b, rows(b, 0, 6)),
                           delta_a = delta(whole_a, rows(a, 0, 10)),
                           delta_b = delta(whole_b, rows(b, 0, 6));
  // Two rows of a, then one, then the rest beside a b that begins, and b's rest.
  const auto check = [&](const tensor::Batch& batch, const std::vector<float>& x,
                         const std::vector<float>& want_conv,
                         const std::vector<float>& want_delta) {
    const ForwardPass pass(*ops_, batch, &cache_);
    const Tensor own = rows(x, 0, static_cast<int64_t>(x.size()) / kColumns);
    EXPECT_THAT(conv(pass, own), ElementsAreArray(want_conv));
    EXPECT_THAT(delta(pass, own), ElementsAreArray(want_delta));
  };
  const auto join = [](std::vector<float> x, const std::vector<float>& y) {
    x.insert(x.end(), y.begin(), y.end());
    return x;
  };
  check(batch_of({2}, {0}, {1}), slice(a, 0, 2), slice(conv_a, 0, 2), slice(delta_a, 0, 2));
  check(batch_of({1}, {1}, {2}), slice(a, 2, 1), slice(conv_a, 2, 1), slice(delta_a, 2, 1));
  check(batch_of({3, 7}, {0, 2}, {3, -1}), join(slice(b, 0, 3), slice(a, 3, 7)),
        join(slice(conv_b, 0, 3), slice(conv_a, 3, 7)),
        join(slice(delta_b, 0, 3), slice(delta_a, 3, 7)));
  check(batch_of({3}, {3}, {3}), slice(b, 3, 3), slice(conv_b, 3, 3), slice(delta_b, 3, 3));
  // Slot 2 is still that of three rows of a, and slot 0 that before any token.
  check(batch_of({7, 6}, {2, 0}, {1, -1}), join(slice(a, 3, 7), b),
        join(slice(conv_a, 3, 7), conv_b), join(slice(delta_a, 3, 7), delta_b));
}

// Two sequences of one column; beside them is nothing.
TEST_F(Recurrent, ACentredConvolutionSeesBothWays) {
  tensor::Batch batch = batch_of({3, 1}, {}, {-1, -1});
  const ForwardPass pass(*ops_, batch);
  const Tensor x = ops_->upload(std::vector<float>{1, 2, 4, 8}, 4, 1);
  const auto convolved = [&](const std::vector<float>& taps) {
    const Tensor of_width = ops_->upload(taps, static_cast<int64_t>(taps.size()), 1);
    return values_of(*ops_, centred_conv(pass, x, of_width, testing::vector_of(*ops_, {0.5f})));
  };
  EXPECT_THAT(convolved({3}), ElementsAreArray({3.5f, 6.5f, 12.5f, 24.5f}));
  EXPECT_THAT(convolved({10, 3}), ElementsAreArray({3.5f, 16.5f, 32.5f, 24.5f}));
  EXPECT_THAT(convolved({10, 3, 100}), ElementsAreArray({203.5f, 416.5f, 32.5f, 24.5f}));
  EXPECT_THAT(convolved({0, 0, 1, 0, 100}), ElementsAreArray({401.5f, 2.5f, 4.5f, 8.5f}));
}

TEST_F(Recurrent, RowsThatNobodyAttendsToAreZero) {
  tensor::Batch batch = batch_of({2, 2}, {}, {-1, -1});
  batch.attended = {2, 1};
  const ForwardPass pass(*ops_, batch);
  EXPECT_THAT(values_of(*ops_, attended_rows(pass, rows({1, 2, 3, 4, 5, 6, 7, 8}, 0, 4))),
              ElementsAreArray({1, 2, 3, 4, 5, 6, 0, 0}));
}

TEST(CacheStates, AreCounted) {
  const tensor::CacheLayout layout = {
      tensor::RecurrentState{.rows = 3, .columns = 8},
      tensor::KeysAndValues{.kv_heads = 1, .key_dim = 4, .value_dim = 4},
      tensor::RecurrentState{.rows = 3, .columns = 2, .state = 10}};
  EXPECT_EQ(ops::cache_state_bytes(layout), 4 * (24 + 16));
}

}  // namespace
}  // namespace vecton::nn
