// max_sim().
#include <algorithm>
#include <limits>

#include "ops/support.h"

namespace vecton::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                kInfinity = std::numeric_limits<float>::infinity();

std::vector<int32_t> offsets_of(const std::vector<int32_t>& lengths) {
  return all_rows(lengths).offsets;
}

// For every document: the sum over the query of its largest sum of |terms|.
Matrix max_sim_scale(const Matrix& q, const Matrix& d, const std::vector<int32_t>& offsets) {
  Matrix scale(1, static_cast<int64_t>(offsets.size()) - 1);
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    for (int64_t i = 0; i < q.rows; ++i) {
      double largest = 0;
      for (int64_t j = offsets[s]; j < offsets[s + 1]; ++j) {
        double sum = 0;
        for (int64_t c = 0; c < q.columns; ++c)
          sum += std::abs(static_cast<double>(q.at(i, c)) * d.at(j, c));
        largest = std::max(largest, sum);
      }
      scale.values[s] += static_cast<float>(largest);
    }
  }
  return scale;
}

class MaxSim : public OpTest {
 protected:
  void check(int64_t m, int64_t n, const std::vector<int32_t>& lengths) {
    if (HasFailure()) return;
    SCOPED_TRACE(std::to_string(m) + " rows of " + std::to_string(n) + ", documents of " +
                 testing::PrintToString(lengths));
    Random random(static_cast<uint32_t>(m * 1000 + n));
    const std::vector<int32_t> offsets = offsets_of(lengths);
    const Matrix q = random_matrix(random, m, n), d = random_matrix(random, offsets.back(), n);
    const auto run = [&](Ops& on, Layout layout) {
      return download(
          on, on.max_sim(upload(on, q, layout), upload(on, d, layout), on.upload_indices(offsets)));
    };
    const Matrix expected = run(*ref_, Layout::kDense), scale = max_sim_scale(q, d, offsets);
    for (const Layout layout : {Layout::kDense, Layout::kStrided})
      expect_close(run(*ops_, layout), expected, scale, sum_bound(n + m));
  }
};

TEST_P(MaxSim, EveryQueryLength) {
  for (int64_t m = 0; m <= 70; ++m) check(m, 24, {1, 13, 2, 40});
  check(257, 32, {7, 130});
}

TEST_P(MaxSim, EveryDocumentLength) {
  std::vector<int32_t> lengths;
  for (int32_t length = 1; length <= 50; ++length) lengths.push_back(length);
  check(5, 16, lengths);
  check(32, 128, lengths);
  check(40, 30, {300, 1, 180});
}

TEST_P(MaxSim, EveryWidth) {
  for (const int64_t n : {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 48, 64, 96, 100, 128, 300})
    check(20, n, {3, 25, 1});
}

TEST_P(MaxSim, NoDocuments) {
  check(8, 16, {});
  check(0, 16, {});
}

// Documents that do not begin at row 0, one after the other with nothing between.
TEST_P(MaxSim, SomeDocuments) {
  Random random(3);
  const Matrix q = random_matrix(random, 10, 20), d = random_matrix(random, 60, 20);
  const std::vector<int32_t> offsets = {7, 20, 21, 55};
  const auto run = [&](Ops& on) {
    return download(on, on.max_sim(upload(on, q), upload(on, d), on.upload_indices(offsets)));
  };
  expect_close(run(*ops_), run(*ref_), max_sim_scale(q, d, offsets), sum_bound(30));
}

// A document's bits are its own: whatever is around it, however many threads there are.
TEST_P(MaxSim, SameBits) {
  Random random(4);
  std::vector<int32_t> lengths;
  for (int i = 0; i < 300; ++i) lengths.push_back(1 + static_cast<int32_t>(random() % 60));
  lengths.push_back(2000);
  const std::vector<int32_t> offsets = offsets_of(lengths);
  const Matrix d = random_matrix(random, offsets.back(), 48);
  for (const int64_t m : {3, 16, 33}) {
    const Matrix q = random_matrix(random, m, 48);
    const Matrix together = download(
        *ops_, ops_->max_sim(upload(*ops_, q), upload(*ops_, d), ops_->upload_indices(offsets)));
    for (const int threads : {1, 4}) {
      const std::unique_ptr<base::ThreadPool> pool = make_pool(threads);
      const std::unique_ptr<Ops> on = make(*pool);
      expect_same_bits(
          download(*on, on->max_sim(upload(*on, q), upload(*on, d), on->upload_indices(offsets))),
          together);
    }
    for (size_t s = 0; s < lengths.size(); s += 7) {
      const Matrix part = rows_of(d, offsets[s], lengths[s]);
      const std::vector<int32_t> alone = {0, lengths[s]};
      expect_same_bits(download(*ops_, ops_->max_sim(upload(*ops_, q), upload(*ops_, part),
                                                     ops_->upload_indices(alone))),
                       columns_of(together, static_cast<int64_t>(s), 1));
    }
  }
}

// What is not finite shows in its document and in no other.
TEST_P(MaxSim, NotFinite) {
  Random random(5);
  const std::vector<int32_t> offsets = {0, 5, 30, 33};
  const Matrix q = random_matrix(random, 20, 17), d = random_matrix(random, 33, 17);
  const auto run = [&](const Matrix& with_q, const Matrix& with_d) {
    return download(*ops_, ops_->max_sim(upload(*ops_, with_q), upload(*ops_, with_d),
                                         ops_->upload_indices(offsets)));
  };
  const Matrix clean = run(q, d);
  for (const float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
    for (int64_t row = 5; row < 30; ++row) {
      Matrix dirty = d;
      dirty.at(row, row % 17) = bad;
      const Matrix actual = run(q, dirty);
      EXPECT_FALSE(std::isfinite(actual.at(0, 1))) << bad << " in row " << row;
      if (std::isnan(bad)) {
        const Matrix expected = download(
            *ref_,
            ref_->max_sim(upload(*ref_, q), upload(*ref_, dirty), ref_->upload_indices(offsets)));
        EXPECT_TRUE(std::isnan(expected.at(0, 1)));
        EXPECT_TRUE(std::isnan(actual.at(0, 1)));
      }
      EXPECT_EQ(actual.at(0, 0), clean.at(0, 0));
      EXPECT_EQ(actual.at(0, 2), clean.at(0, 2));
    }
    for (int64_t row = 0; row < 20; ++row) {
      Matrix dirty = q;
      dirty.at(row, row % 17) = kNan;
      for (const float value : run(dirty, d).values) EXPECT_TRUE(std::isnan(value)) << row;
    }
  }
}

VECTON_FOR_EVERY_TARGET(MaxSim);

}  // namespace
}  // namespace vecton::test
