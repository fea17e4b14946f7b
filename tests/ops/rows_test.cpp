// Operations row by row: embed, norm, rope, gather_rows, concat_columns, pool, l2_normalize.
#include <numeric>

#include "ops/support.h"

namespace vecton::test {
namespace {

using Embed = OpTest;

TEST_P(Embed, SumsTables) {
  Random random(1);
  for (const int64_t columns : {1, 3, 8, 15, 16, 17, 64, 100, 384, 1000}) {
    for (const tensor::DType dtype :
         {tensor::DType::kF32, tensor::DType::kBF16, tensor::DType::kF16}) {
      for (const size_t tables : {1, 2, 3}) {
        std::vector<tensor::Weight> weights;
        for (size_t t = 0; t < tables; ++t) {
          weights.push_back(make_weight(random_matrix(random, 7 + 40 * t, columns), dtype));
        }
        for (const int64_t rows : {0, 1, 2, 33}) {
          std::vector<std::vector<int32_t>> ids(tables, std::vector<int32_t>(rows));
          for (size_t t = 0; t < tables; ++t) {
            for (int32_t& id : ids[t]) id = static_cast<int32_t>(random() % weights[t].rows);
          }
          const auto run = [&](Ops& on) {
            std::vector<ops::PreparedWeight> prepared;
            std::vector<Ops::Lookup> lookups;
            for (size_t t = 0; t < tables; ++t) {
              prepared.push_back(on.prepare_table(weights[t]));
              lookups.push_back({*prepared.back(), on.upload_indices(ids[t])});
            }
            return download(on, on.embed(lookups));
          };
          SCOPED_TRACE(std::to_string(columns) + " columns, " + std::to_string(tables) +
                       " tables of " + std::string(tensor::to_string(dtype)) + ", rows " +
                       std::to_string(rows));
          const double bound = tables == 1 ? 0 : 2 * kRoundoff;  // a copy is exact
          expect_close(run(*ops_), run(*ref_), Matrix(rows, columns, 2), bound);
          if (HasFailure()) return;
        }
      }
    }
  }
}

struct NormCase {
  ops::NormWeight::Kind kind;
  int64_t group, groups = 1;
  bool bias = false;
  float magnitude = 1, mean = 0, eps = 1e-6f;
  Layout layout = Layout::kDense;
};

struct HostNorm {
  ops::NormWeight::Kind kind;
  Numbers weight, bias;
  float eps;

  ops::NormWeight on(Ops& ops) const {
    return {kind, prepare(ops, weight), prepare(ops, bias), eps};
  }
};

// The rounding of x - mean is relative to x; dividing by the deviation blows it up.
Matrix norm_scale(const Matrix& x, const HostNorm& w) {
  const auto group = static_cast<int64_t>(w.weight.size());
  Matrix scale(x.rows, x.columns);
  for (int64_t i = 0; i < x.rows; ++i) {
    for (int64_t j = 0; j < x.columns; j += group) {
      double sum = 0, square = 0, largest = 0;
      for (int64_t c = 0; c < group; ++c) {
        sum += x.at(i, j + c);
        largest = std::max<double>(largest, std::abs(x.at(i, j + c)));
      }
      const double mean =
          w.kind == ops::NormWeight::Kind::kLayerNorm ? sum / static_cast<double>(group) : 0;
      for (int64_t c = 0; c < group; ++c) square += std::pow(x.at(i, j + c) - mean, 2);
      const double factor = largest / std::sqrt(square / static_cast<double>(group) + w.eps);
      for (int64_t c = 0; c < group; ++c) {
        scale.at(i, j + c) = static_cast<float>(factor * std::abs(w.weight[c]) +
                                                (w.bias.empty() ? 0 : std::abs(w.bias[c])));
      }
    }
  }
  return scale;
}

class Norm : public OpTest {
 protected:
  void check(const NormCase& c) {
    if (HasFailure()) return;
    SCOPED_TRACE(
        std::string(c.kind == ops::NormWeight::Kind::kLayerNorm ? "LayerNorm " : "RmsNorm ") +
        std::to_string(c.groups) + " x " + std::to_string(c.group) + ", magnitude " +
        std::to_string(c.magnitude) + ", mean " + std::to_string(c.mean));
    Random random(static_cast<uint32_t>(c.group * 31 + c.groups));
    HostNorm w{c.kind, random_numbers(random, c.group, 0.5f, 2), {}, c.eps};
    if (c.bias) w.bias = random_numbers(random, c.group);
    for (const int64_t rows : {0, 1, 2, 7, 33}) {
      Matrix x = random_matrix(random, rows, c.group * c.groups, c.magnitude);
      for (float& value : x.values) value += c.mean;
      if (rows > 2) std::fill_n(x.values.begin(), x.columns, 0.0f);            // a row of zeros
      if (rows > 2) std::fill_n(x.values.end() - x.columns, x.columns, 3.0f);  // a constant one
      const auto run = [&](Ops& on) {
        return download(on, on.norm(upload(on, x, c.layout), w.on(on)));
      };
      expect_close(run(*ops_), run(*ref_), norm_scale(x, w), 8 * kRoundoff);
      const Tensor kept =
          upload(*ops_, x, c.layout);  // a tensor that is used elsewhere stays as it is
      expect_close(download(*ops_, ops_->norm(kept, w.on(*ops_))), run(*ref_), norm_scale(x, w),
                   8 * kRoundoff);
      expect_same_bits(download(*ops_, kept), x);
      if (HasFailure()) return;
    }
  }
};

TEST_P(Norm, EverySize) {
  for (const auto kind : {ops::NormWeight::Kind::kLayerNorm, ops::NormWeight::Kind::kRmsNorm}) {
    for (const int64_t size :
         {1, 3, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100, 257, 384, 768, 1000, 1024}) {
      check({.kind = kind, .group = size, .bias = size % 2 == 0});
      check({.kind = kind, .group = size, .layout = Layout::kStrided});
    }
  }
}

TEST_P(Norm, Groups) {
  for (const auto kind : {ops::NormWeight::Kind::kLayerNorm, ops::NormWeight::Kind::kRmsNorm}) {
    for (const int64_t group : {8, 16, 20, 24, 64, 80, 96, 128}) {
      for (const int64_t groups : {2, 3, 16}) {
        check({.kind = kind,
               .group = group,
               .groups = groups,
               .bias = kind == ops::NormWeight::Kind::kLayerNorm,
               .layout = groups == 3 ? Layout::kStrided : Layout::kDense});
      }
    }
  }
}

TEST_P(Norm, Magnitudes) {
  for (const auto kind : {ops::NormWeight::Kind::kLayerNorm, ops::NormWeight::Kind::kRmsNorm}) {
    for (const float magnitude : {1e-6f, 1e-3f, 1e3f, 1e6f}) {
      check({.kind = kind, .group = 384, .bias = true, .magnitude = magnitude, .eps = 1e-12f});
      check({.kind = kind,
             .group = 100,
             .magnitude = magnitude,
             .mean = 50 * magnitude,
             .eps = 1e-5f});
    }
  }
}

class Rope : public OpTest {
 protected:
  void check(int64_t heads, int64_t head_dim, int64_t rotary_dim, Layout layout) {
    if (HasFailure()) return;
    SCOPED_TRACE(std::to_string(heads) + " heads of " + std::to_string(head_dim) + ", rotated " +
                 std::to_string(rotary_dim));
    Random random(static_cast<uint32_t>(heads * 1000 + head_dim + rotary_dim));
    Matrix cosines(100, rotary_dim / 2), sines(100, rotary_dim / 2);
    for (int64_t p = 0; p < 100; ++p) {
      for (int64_t i = 0; i < rotary_dim / 2; ++i) {
        const double angle =
            static_cast<double>(p) *
            std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(rotary_dim));
        cosines.at(p, i) = static_cast<float>(std::cos(angle));
        sines.at(p, i) = static_cast<float>(std::sin(angle));
      }
    }
    for (const int64_t rows : {0, 1, 2, 19}) {
      const Matrix x = random_matrix(random, rows, heads * head_dim);
      std::vector<int32_t> positions(rows);
      for (int32_t& p : positions) p = static_cast<int32_t>(random() % 100);
      const auto turn = [&](Ops& on, Tensor in) {
        return download(on, on.rope(std::move(in), head_dim, on.upload_indices(positions),
                                    {upload(on, cosines), upload(on, sines)}));
      };
      const auto run = [&](Ops& on) { return turn(on, upload(on, x, layout)); };
      const Matrix expected = run(*ref_), scale(rows, x.columns, 2);
      expect_close(run(*ops_), expected, scale, 2 * kRoundoff);
      const Tensor kept = upload(*ops_, x, layout);
      expect_close(turn(*ops_, kept), expected, scale, 2 * kRoundoff);
      expect_same_bits(download(*ops_, kept), x);
    }
  }
};

TEST_P(Rope, HeadsAndRotaryDims) {
  for (const int64_t head_dim : {2, 8, 16, 24, 32, 64, 80, 96, 128}) {
    for (const int64_t heads : {1, 3, 8}) {
      const Layout layout = heads == 3 ? Layout::kStrided : Layout::kDense;
      for (const int64_t rotary_dim :
           {head_dim, head_dim / 2 / 2 * 2, head_dim / 4 / 2 * 2, int64_t{2}}) {
        if (rotary_dim > 0) check(heads, head_dim, rotary_dim, layout);
      }
    }
  }
}

using Rearrange = OpTest;

TEST_P(Rearrange, GathersRows) {
  Random random(2);
  for (const int64_t columns : {1, 7, 16, 33, 384}) {
    const Matrix x = random_matrix(random, 21, columns);
    for (const int64_t count : {0, 1, 3, 21, 60}) {
      std::vector<int32_t> rows(count);
      for (int32_t& row : rows) row = static_cast<int32_t>(random() % 21);
      for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
        const auto run = [&](Ops& on) {
          return download(on, on.gather_rows(upload(on, x, layout), on.upload_indices(rows)));
        };
        expect_same_bits(run(*ops_), run(*ref_));
      }
    }
  }
}

TEST_P(Rearrange, ConcatenatesColumns) {
  Random random(3);
  for (const int64_t rows : {0, 1, 9}) {
    for (const std::vector<int64_t>& widths :
         std::vector<std::vector<int64_t>>{{5}, {1, 1}, {16, 16}, {384, 7, 33}, {3, 64, 1, 20}}) {
      std::vector<Matrix> parts;
      for (const int64_t width : widths) parts.push_back(random_matrix(random, rows, width));
      const auto run = [&](Ops& on) {
        std::vector<Tensor> tensors;
        for (const Matrix& part : parts) {
          tensors.push_back(
              upload(on, part, part.columns % 2 == 1 ? Layout::kStrided : Layout::kDense));
        }
        return download(on, on.concat_columns(tensors));
      };
      expect_same_bits(run(*ops_), run(*ref_));
    }
  }
}

TEST_P(Rearrange, ViewsOfRowsAndColumns) {
  Random random(4);
  const Matrix x = random_matrix(random, 10, 40);
  const Tensor view = upload(*ops_, x).slice_rows(2, 5).slice_columns(8, 17);
  expect_same_bits(download(*ops_, view), columns_of(rows_of(x, 2, 5), 8, 17));
}

using Pool = OpTest;

TEST_P(Pool, EveryMode) {
  Random random(5);
  for (const int64_t columns : {1, 3, 8, 15, 16, 17, 100, 384}) {
    for (const std::vector<int32_t>& lengths :
         std::vector<std::vector<int32_t>>{{}, {1}, {2, 1, 3}, {33, 1, 5, 600}}) {
      tensor::Rows rows = all_rows(lengths);
      for (int32_t& p : rows.index) p += p / 3;  // some rows of the sequences are left out
      const Matrix x = random_matrix(random, rows.count(), columns);
      for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
        for (const ops::Pooling how :
             {ops::Pooling::kCls, ops::Pooling::kMax, ops::Pooling::kMean,
              ops::Pooling::kMeanSqrtLen, ops::Pooling::kWeightedMean, ops::Pooling::kLast}) {
          SCOPED_TRACE(std::to_string(columns) + " columns, mode " +
                       std::to_string(static_cast<int>(how)) + ", lengths " +
                       testing::PrintToString(lengths));
          const auto run = [&](Ops& on, const Matrix& in) {
            return download(on, on.pool(upload(on, in, layout), how, on.upload_rows(rows)));
          };
          const bool copies =
              how == ops::Pooling::kCls || how == ops::Pooling::kLast || how == ops::Pooling::kMax;
          expect_close(run(*ops_, x), run(*ref_, x), run(*ref_, magnitudes(x)),
                       copies ? 0 : sum_bound(600));
          if (HasFailure()) return;
        }
      }
    }
  }
}

using L2Normalize = OpTest;

TEST_P(L2Normalize, EverySize) {
  Random random(6);
  for (const int64_t columns : {1, 3, 8, 15, 16, 17, 100, 128, 384, 1000}) {
    for (const int64_t rows : {0, 1, 2, 17}) {
      for (const float magnitude : {1e-15f, 1e-10f, 1.0f, 1e15f}) {
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns));
        Matrix x = random_matrix(random, rows, columns, magnitude);
        if (rows > 2) std::fill_n(x.values.begin(), columns, 0.0f);
        for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
          const auto run = [&](Ops& on) {
            return download(on, on.l2_normalize(upload(on, x, layout)));
          };
          expect_close(run(*ops_), run(*ref_), Matrix(rows, columns, 0), sum_bound(columns));
          const Tensor kept = upload(*ops_, x, layout);
          ops_->l2_normalize(kept);
          expect_same_bits(download(*ops_, kept), x);
        }
      }
    }
  }
}

VECTON_FOR_EVERY_TARGET(Embed);
VECTON_FOR_EVERY_TARGET(Norm);
VECTON_FOR_EVERY_TARGET(Rope);
VECTON_FOR_EVERY_TARGET(Rearrange);
VECTON_FOR_EVERY_TARGET(Pool);
VECTON_FOR_EVERY_TARGET(L2Normalize);

}  // namespace
}  // namespace vecton::test
