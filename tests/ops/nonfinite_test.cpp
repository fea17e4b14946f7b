// What is not finite shows: a row with a NaN gives NaN, never a plausible number, and its
// neighbours are as they were.
#include <limits>

#include "ops/attention_input.h"
#include "vecton/error.h"

namespace vecton::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

class NonFinite : public OpTest {
 protected:
  // `run` gives a row for every row of x: row 3 of x is made bad at one place after another.
  template <typename Run>
  void check(const Matrix& x, const Run& run, const std::string& what) {
    SCOPED_TRACE(what);
    const Matrix clean = run(*ops_, x);
    for (const float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
      for (int64_t column = 0; column < x.columns; ++column) {
        Matrix dirty = x;
        dirty.at(3, column) = bad;
        const Matrix actual = run(*ops_, dirty), expected = run(*ref_, dirty);
        for (int64_t i = 0; i < clean.rows; ++i) {
          if (i != 3) {
            expect_same_bits(rows_of(actual, i, 1), rows_of(clean, i, 1));
          } else if (std::isnan(bad)) {
            for (int64_t j = 0; j < clean.columns; ++j) {
              ASSERT_EQ(std::isnan(actual.at(i, j)), std::isnan(expected.at(i, j)))
                  << bad << " in column " << column << " gives " << actual.at(i, j) << " in column "
                  << j;
            }
          }
          if (HasFailure()) return;
        }
      }
    }
  }
};

TEST_P(NonFinite, Linear) {
  Random random(1);
  const Matrix x = random_matrix(random, 9, 20);
  const tensor::Weight weight = make_weight(random_matrix(random, 33, 20));
  for (const auto act :
       {ops::Activation::kIdentity, ops::Activation::kGelu, ops::Activation::kGeluTanh,
        ops::Activation::kRelu, ops::Activation::kSilu, ops::Activation::kTanh,
        ops::Activation::kSigmoid, ops::Activation::kLog1pRelu}) {
    check(
        x,
        [&](Ops& on, const Matrix& in) { return download(on, on.activate(upload(on, in), act)); },
        "activation " + std::to_string(static_cast<int>(act)));
    for (const ops::Compute compute : computes()) {
      check(
          x,
          [&](Ops& on, const Matrix& in) {
            return download(
                on, on.linear(upload(on, in), {on.prepare_linear({&weight, 1}, compute), {}}, act));
          },
          "linear, activation " + std::to_string(static_cast<int>(act)) + ", compute " +
              std::string(ops::to_string(compute)));
    }
  }
}

TEST_P(NonFinite, GatedLinear) {
  Random random(2);
  const tensor::Weight gate = make_weight(random_matrix(random, 33, 20)),
                       up = make_weight(random_matrix(random, 33, 20));
  for (const Numbers& bias : {Numbers(), random_numbers(random, 66)}) {
    for (const ops::Compute compute : computes()) {
      check(
          random_matrix(random, 9, 20),
          [&](Ops& on, const Matrix& in) {
            return download(
                on, on.gated_linear(upload(on, in),
                                    {on.prepare_gated(gate, up, compute), prepare(on, bias)},
                                    ops::Activation::kSilu));
          },
          "gated_linear, compute " + std::string(ops::to_string(compute)));
    }
  }
}

// float16 ends at 65504: an x beyond is infinite, and nothing finite comes of it; a weight beyond
// is refused.
TEST_P(NonFinite, BeyondFloat16) {
  if (!has(ops::Compute::kFloat16)) GTEST_SKIP() << "the backend has no float16";
  Random random(4);
  Matrix x = random_matrix(random, 9, 20), w = random_matrix(random, 33, 20);
  const tensor::Weight weight = make_weight(w);
  const auto run = [&] {
    const ops::PreparedWeight prepared = ops_->prepare_linear({&weight, 1}, ops::Compute::kFloat16);
    return download(*ops_, ops_->linear(upload(*ops_, x), {prepared, {}}));
  };
  const Matrix clean = run();
  x.at(3, 7) = 65519;  // rounds to 65504
  for (const float value : rows_of(run(), 3, 1).values) EXPECT_TRUE(std::isfinite(value));
  x.at(3, 7) = -65520;
  const Matrix actual = run();
  for (int64_t i = 0; i < x.rows; ++i) {
    if (i != 3) expect_same_bits(rows_of(actual, i, 1), rows_of(clean, i, 1));
  }
  for (const float value : rows_of(actual, 3, 1).values) EXPECT_FALSE(std::isfinite(value));
  w.at(1, 2) = 1e5f;
  const tensor::Weight large = make_weight(w);
  try {
    ops_->prepare_linear({&large, 1}, ops::Compute::kFloat16);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(std::string(error.what()),
              "test.weight: 100000.000000 is beyond the largest float16");
  }
}

TEST_P(NonFinite, RowByRow) {
  Random random(3);
  const Matrix x = random_matrix(random, 9, 37);
  for (const auto kind : {ops::NormWeight::Kind::kLayerNorm, ops::NormWeight::Kind::kRmsNorm}) {
    const Numbers weight = random_numbers(random, 37);
    check(
        x,
        [&](Ops& on, const Matrix& in) {
          return download(on, on.norm(upload(on, in), {kind, prepare(on, weight), {}, 1e-6f}));
        },
        "norm");
  }
  check(
      x, [](Ops& on, const Matrix& in) { return download(on, on.l2_normalize(upload(on, in))); },
      "l2_normalize");
  check(
      x,
      [&](Ops& on, const Matrix& in) {
        return download(
            on, on.scale(on.add(upload(on, in), on.multiply(upload(on, in), upload(on, x))), 0.5f));
      },
      "add, multiply, scale");
  tensor::Rows one_each;
  for (int32_t i = 0; i < 9; ++i) {
    one_each.index.push_back(0);
    one_each.offsets.push_back(i + 1);
  }
  const Matrix taps = random_matrix(random, 3, 37);
  check(
      x,
      [&](Ops& on, const Matrix& in) {
        return download(
            on, on.short_conv(upload(on, in), upload(on, taps), {}, on.upload_rows(one_each)));
      },
      "short_conv");
  for (int how = 0; how <= static_cast<int>(ops::Pooling::kLast); ++how) {
    check(
        x,
        [&](Ops& on, const Matrix& in) {
          return download(on, on.pool(upload(on, in), static_cast<ops::Pooling>(how),
                                      on.upload_rows(one_each)));
        },
        "pool, mode " + std::to_string(how));
  }
}

TEST_P(NonFinite, PoolingOfManyRows) {
  Random random(4);
  const tensor::Rows rows = all_rows({7});
  for (int how = 0; how <= static_cast<int>(ops::Pooling::kLast); ++how) {
    for (int64_t row = 0; row < 7; ++row) {
      Matrix x = random_matrix(random, 7, 19);
      for (int64_t j = 0; j < 19; ++j) x.at(row, j) = kNan;
      const auto run = [&](Ops& on) {
        return download(
            on, on.pool(upload(on, x), static_cast<ops::Pooling>(how), on.upload_rows(rows)));
      };
      const Matrix actual = run(*ops_), expected = run(*ref_);
      for (int64_t j = 0; j < 19; ++j) {
        ASSERT_EQ(std::isnan(actual.at(0, j)), std::isnan(expected.at(0, j)))
            << "mode " << how << ", row " << row << ", column " << j;
      }
    }
  }
}

// A NaN in any key, value or query reaches every row that sees it, and no other sequence.
TEST_P(NonFinite, Attention) {
  Random random(5);
  const std::vector<int32_t> lengths = {5, 40, 3};
  const tensor::Rows rows = all_rows(lengths);
  const ops::AttentionShape shape{
      .heads = 2, .kv_heads = 2, .head_dim = 16, .scale = 0.25f, .causal = false};
  const Matrix q = random_matrix(random, 48, 32), k = random_matrix(random, 48, 32),
               v = random_matrix(random, 48, 32);
  const auto run = [&](const Matrix& tq, const Matrix& tk, const Matrix& tv) {
    return download(*ops_,
                    ops_->attention(upload(*ops_, tq), upload(*ops_, tk), upload(*ops_, tv), shape,
                                    ops_->upload_rows(rows), ops_->upload_indices(rows.offsets)));
  };
  const Matrix clean = run(q, k, v);
  for (int64_t row = 5; row < 45; ++row) {  // of the second sequence, in the second head
    for (const int which : {0, 1, 2}) {
      Matrix dirty[] = {q, k, v};
      dirty[which].at(row, 20) = kNan;
      const Matrix actual = run(dirty[0], dirty[1], dirty[2]);
      for (int64_t i = 0; i < 48; ++i) {
        const bool reached = which == 0 ? i == row : i >= 5 && i < 45;
        for (int64_t j = 0; j < 32; ++j) {
          const bool bad = reached && (which == 2 ? j == 20 : j >= 16);
          if (bad) {
            ASSERT_TRUE(std::isnan(actual.at(i, j)))
                << which << " row " << row << " at " << i << ", " << j;
          } else {
            ASSERT_EQ(actual.at(i, j), clean.at(i, j))
                << which << " row " << row << " at " << i << ", " << j;
          }
        }
      }
    }
  }
}

// The same with windows, caps and biases: what sees a NaN is NaN, and other sequences are as they
// were.
TEST_P(NonFinite, EveryKindOfAttention) {
  Random random(6);
  for (const bool causal : {false, true}) {
    for (const int64_t window : {0, 4}) {
      AttentionInput in;
      in.shape = {.heads = 2,
                  .kv_heads = 1,
                  .head_dim = 12,
                  .scale = 0.25f,
                  .causal = causal,
                  .window = window,
                  .softcap = 3};
      in.lengths = {5, 40, 3};
      in.queries = all_rows(in.lengths);
      in.q = random_matrix(random, 48, 24);
      in.k = random_matrix(random, 48, 12);
      in.v = random_matrix(random, 48, 12);
      in.bias = random_bias(random, in.shape, 48, 48,
                            {.by_head = true, .by_query = true, .by_key = true});
      const Matrix clean = run_attention(*ops_, in);
      for (int64_t row = 5; row < 45; ++row) {  // of the second sequence
        for (const int which : {0, 1, 2, 3, 4}) {
          AttentionInput dirty = in;
          Matrix* const parts[] = {&dirty.q, &dirty.k, &dirty.v, &dirty.bias.by_query,
                                   &dirty.bias.by_key};
          Matrix& bad = *parts[which];
          std::fill_n(bad.values.begin() + row * bad.columns, bad.columns, kNan);
          const Matrix actual = run_attention(*ops_, dirty);
          const bool of_query = which == 0 || which == 3;
          for (int64_t i = 0; i < 48; ++i) {
            const bool inside = i >= 5 && i < 45;
            const bool sees = (!causal || row <= i) && (window == 0 || std::abs(i - row) < window);
            for (int64_t j = 0; j < 24; ++j) {
              if (of_query ? i == row : inside && sees) {
                ASSERT_TRUE(std::isnan(actual.at(i, j)))
                    << which << " row " << row << " at " << i << ", " << j;
              } else if (of_query || !inside) {
                ASSERT_EQ(actual.at(i, j), clean.at(i, j))
                    << which << " row " << row << " at " << i << ", " << j;
              }
            }
          }
        }
      }
    }
  }
}

VECTON_FOR_EVERY_TARGET(NonFinite);

}  // namespace
}  // namespace vecton::test
