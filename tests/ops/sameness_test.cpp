// A row's bits depend on nothing but the row and its sequence: not on how many rows the call has,
// which ones surround it, how many threads there are, nor whether its neighbours are asked for.
#include <algorithm>

#include "ops/support.h"

namespace vecton::test {
namespace {

constexpr tensor::DType kDTypes[] = {tensor::DType::kF32, tensor::DType::kBF16,
                                     tensor::DType::kF16};

class Sameness : public OpTest {
 protected:
  // `run(ops, x)` gives a row for every row of x. Every count up to 70, windows in the middle,
  // pools of 1, 2 and 4.
  template <typename Run>
  void check_rows(const Matrix& x, const Run& run, const std::string& what) {
    if (HasFailure()) return;
    SCOPED_TRACE(what);
    const std::unique_ptr<base::ThreadPool> one = make_pool(1), four = make_pool(4);
    const std::unique_ptr<Ops> alone = make(*one), crowded = make(*four);
    Matrix expected;
    for (int64_t i = 0; i < x.rows; ++i) {
      const Matrix row = run(*alone, rows_of(x, i, 1));
      expected.columns = row.columns;
      expected.values.insert(expected.values.end(), row.values.begin(), row.values.end());
      ++expected.rows;
    }
    for (int64_t m = 1; m <= std::min<int64_t>(x.rows, 70); ++m) {
      const int64_t start = (m * 13) % (x.rows - m + 1);
      for (Ops* ops : {alone.get(), ops_.get(), crowded.get()}) {
        SCOPED_TRACE("rows " + std::to_string(start) + " .. " + std::to_string(start + m));
        expect_same_bits(run(*ops, rows_of(x, start, m)), rows_of(expected, start, m));
        if (HasFailure()) return;
      }
    }
    for (Ops* ops : {alone.get(), ops_.get(), crowded.get()}) {
      for (int times = 0; times < 3; ++times) expect_same_bits(run(*ops, x), expected);
    }
  }
};

TEST_P(Sameness, Linear) {
  const int64_t shapes[][3] = {
      {70, 33, 31}, {75, 257, 100}, {300, 384, 384}, {70, 64, 1000}, {70, 1, 65}};
  for (const auto& [m, n, k] : shapes) {
    Random random(static_cast<uint32_t>(n));
    const Matrix x = random_matrix(random, m, k), w = random_matrix(random, n, k);
    const ops::Vector bias = prepare(*ops_, random_numbers(random, n));
    const tensor::DType dtype = kDTypes[(n + k) % 3];
    const tensor::Weight weight = make_weight(w, dtype);
    for (const ops::Compute compute : computes()) {
      const ops::PreparedWeight prepared =
          ops_->prepare_linear({&weight, 1}, compute);  // one for all, as forks share it
      check_rows(
          x,
          [&](Ops& on, const Matrix& in) {
            return download(on, on.linear(upload(on, in), {prepared, bias}));
          },
          "n " + std::to_string(n) + ", k " + std::to_string(k) + ", " +
              std::string(tensor::to_string(dtype)) + ", compute " +
              std::string(ops::to_string(compute)));
    }
  }
}

TEST_P(Sameness, LinearWithEverything) {
  Random random(2);
  const Matrix x = random_matrix(random, 90, 70);
  const ops::Vector bias = prepare(*ops_, random_numbers(random, 70));
  for (const tensor::DType dtype : kDTypes) {
    const tensor::Weight weight = make_weight(random_matrix(random, 70, 70), dtype);
    const ops::PreparedWeight prepared = ops_->prepare_linear({&weight, 1});
    for (const ops::Activation act : {ops::Activation::kGelu, ops::Activation::kGeluTanh,
                                      ops::Activation::kSilu, ops::Activation::kTanh}) {
      check_rows(
          x,
          [&](Ops& on, const Matrix& in) {
            const Tensor input = upload(on, in), residual = upload(on, in, Layout::kStrided);
            return download(on, on.linear(input, {prepared, bias}, act, &residual));
          },
          "activation " + std::to_string(static_cast<int>(act)));
    }
  }
}

TEST_P(Sameness, GatedLinear) {
  const int64_t shapes[][3] = {{70, 33, 31}, {75, 100, 257}, {200, 384, 128}};
  for (const auto& [m, n, k] : shapes) {
    Random random(static_cast<uint32_t>(n));
    const Matrix x = random_matrix(random, m, k);
    const tensor::DType dtype = kDTypes[n % 3];
    const tensor::Weight gate = make_weight(random_matrix(random, n, k), dtype),
                         up = make_weight(random_matrix(random, n, k), dtype);
    const ops::Vector bias =
        n % 2 == 1 ? prepare(*ops_, random_numbers(random, 2 * n)) : ops::Vector();
    for (const ops::Compute compute : computes()) {
      const ops::PreparedWeight prepared = ops_->prepare_gated(gate, up, compute);
      check_rows(
          x,
          [&](Ops& on, const Matrix& in) {
            return download(
                on, on.gated_linear(upload(on, in), {prepared, bias}, ops::Activation::kSilu));
          },
          "n " + std::to_string(n) + ", k " + std::to_string(k) + ", compute " +
              std::string(ops::to_string(compute)));
    }
  }
}

TEST_P(Sameness, NormAndLength) {
  Random random(3);
  for (const int64_t columns : {8, 100, 384}) {
    const Matrix x = random_matrix(random, 200, columns);
    for (const auto kind : {ops::NormWeight::Kind::kLayerNorm, ops::NormWeight::Kind::kRmsNorm}) {
      const ops::NormWeight w{kind, prepare(*ops_, random_numbers(random, columns)),
                              prepare(*ops_, random_numbers(random, columns)), 1e-6f};
      check_rows(
          x, [&](Ops& on, const Matrix& in) { return download(on, on.norm(upload(on, in), w)); },
          "norm");
      check_rows(
          x,
          [&](Ops& on, const Matrix& in) {
            return download(on, on.norm(upload(on, in, Layout::kStrided), w));
          },
          "strided norm");
    }
    check_rows(
        x, [&](Ops& on, const Matrix& in) { return download(on, on.l2_normalize(upload(on, in))); },
        "l2_normalize");
  }
}

TEST_P(Sameness, Elementwise) {
  Random random(6);
  for (const int64_t columns : {7, 100, 384}) {
    const Matrix x = random_matrix(random, 200, columns, 3);
    check_rows(
        x,
        [&](Ops& on, const Matrix& in) {
          Tensor sum = on.add(upload(on, in), on.activate(upload(on, in), ops::Activation::kGelu));
          return download(on, on.scale(on.multiply(std::move(sum), upload(on, in)), 0.7f));
        },
        "add, multiply, scale, activate");
  }
}

TEST_P(Sameness, Rope) {
  Random random(4);
  Matrix cosines(10, 12), sines(10, 12);
  for (size_t i = 0; i < 120; ++i) {
    cosines.values[i] = std::cos(static_cast<float>(i));
    sines.values[i] = std::sin(static_cast<float>(i));
  }
  const Matrix x = random_matrix(random, 200, 96);
  check_rows(
      x,
      [&](Ops& on, const Matrix& in) {
        const tensor::Indices positions = on.upload_indices(std::vector<int32_t>(in.rows, 7));
        return download(
            on, on.rope(upload(on, in), 32, positions, {upload(on, cosines), upload(on, sines)}));
      },
      "rope");
}

TEST_P(Sameness, Pool) {
  Random random(5);
  const std::vector<int32_t> lengths = {1, 2, 3, 16, 33, 100, 257};
  const tensor::Rows rows = all_rows(lengths);
  for (const int64_t columns : {7, 64, 384}) {
    const Matrix x = random_matrix(random, rows.count(), columns);
    const std::unique_ptr<base::ThreadPool> one = make_pool(1), four = make_pool(4);
    const std::unique_ptr<Ops> alone = make(*one), crowded = make(*four);
    for (int how = 0; how <= static_cast<int>(ops::Pooling::kLast); ++how) {
      const auto mode = static_cast<ops::Pooling>(how);
      const Matrix together =
          download(*crowded, crowded->pool(upload(*crowded, x), mode, crowded->upload_rows(rows)));
      for (size_t s = 0; s < lengths.size(); ++s) {
        const Matrix part = rows_of(x, rows.offsets[s], lengths[s]);
        const Matrix single = download(
            *alone,
            alone->pool(upload(*alone, part), mode, alone->upload_rows(all_rows({lengths[s]}))));
        expect_same_bits(single, rows_of(together, static_cast<int64_t>(s), 1));
      }
    }
  }
}

VECTON_FOR_EVERY_TARGET(Sameness);

}  // namespace
}  // namespace vecton::test
