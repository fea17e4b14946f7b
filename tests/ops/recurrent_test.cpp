// gated_delta().
#include "ops/support.h"

namespace vecton::test {
namespace {

struct Case {
  ops::DeltaShape shape;
  std::vector<int32_t> lengths;
};

struct Input {
  Matrix q, k, v, step, beta;
  Numbers rate;

  Input(const ops::DeltaShape& s, int64_t rows) {
    Random random(static_cast<uint32_t>(s.key_dim + rows));
    q = random_matrix(random, rows, s.key_heads * s.key_dim);
    k = random_matrix(random, rows, s.key_heads * s.key_dim);
    v = random_matrix(random, rows, s.value_heads * s.value_dim);
    step = random_matrix(random, rows, s.value_heads);
    beta = random_matrix(random, rows, s.value_heads);
    for (float& x : step.values) x = std::abs(x);
    for (float& x : beta.values) x = std::abs(x);
    rate = random_numbers(random, s.value_heads, -2, -0.1f);
  }
  Input part(int64_t begin, int64_t count) const {
    Input some = *this;
    for (Matrix* m : {&some.q, &some.k, &some.v, &some.step, &some.beta})
      *m = rows_of(*m, begin, count);
    return some;
  }
};

struct Output {
  Matrix y, state;
};

Output run(Ops& on, const Input& in, const ops::DeltaShape& shape,
           const std::vector<int32_t>& lengths, const Matrix* before = nullptr,
           Layout layout = Layout::kDense) {
  const Tensor q = upload(on, in.q, layout), k = upload(on, in.k, layout),
               v = upload(on, in.v, layout), step = upload(on, in.step, layout),
               beta = upload(on, in.beta, layout);
  const ops::Vector rate = prepare(on, in.rate);
  const Ops::Delta delta =
      on.gated_delta({.q = q, .k = k, .v = v, .step = step, .beta = beta, .rate = rate}, shape,
                     on.upload_rows(all_rows(lengths)), before ? upload(on, *before) : Tensor());
  return {download(on, delta.y), download(on, delta.state)};
}

// The formula, one number after another in double.
Output formula(const Input& in, const ops::DeltaShape& s, const std::vector<int32_t>& lengths) {
  Output out{Matrix(in.v.rows, in.v.columns),
             Matrix(static_cast<int64_t>(lengths.size()), s.value_heads * s.key_dim * s.value_dim)};
  int64_t row = 0;
  for (size_t sequence = 0; sequence < lengths.size(); ++sequence, row += lengths[sequence - 1]) {
    for (int64_t h = 0; h < s.value_heads; ++h) {
      const int64_t share = s.value_heads / s.key_heads,
                    key = (s.in_turn ? h % s.key_heads : h / share) * s.key_dim,
                    value = h * s.value_dim;
      std::vector<double> state(s.key_dim * s.value_dim);
      for (int64_t t = row; t < row + lengths[sequence]; ++t) {
        double kk = 1e-6, qq = 1e-6;
        for (int64_t i = 0; i < s.key_dim; ++i) {
          kk += std::pow(in.k.at(t, key + i), 2);
          qq += std::pow(in.q.at(t, key + i), 2);
        }
        for (double& x : state) x *= std::exp(double{in.rate[h]} * in.step.at(t, h));
        for (int64_t j = 0; j < s.value_dim; ++j) {
          double seen = 0, answer = 0;
          for (int64_t i = 0; i < s.key_dim; ++i)
            seen += in.k.at(t, key + i) / std::sqrt(kk) * state[i * s.value_dim + j];
          const double change = in.beta.at(t, h) * (in.v.at(t, value + j) - seen);
          for (int64_t i = 0; i < s.key_dim; ++i) {
            double& x = state[i * s.value_dim + j];
            x += in.k.at(t, key + i) / std::sqrt(kk) * change;
            answer += in.q.at(t, key + i) / std::sqrt(qq * static_cast<double>(s.key_dim)) * x;
          }
          out.y.at(t, value + j) = static_cast<float>(answer);
        }
      }
      for (size_t i = 0; i < state.size(); ++i)
        out.state.at(static_cast<int64_t>(sequence), h * s.key_dim * s.value_dim + i) =
            static_cast<float>(state[i]);
    }
  }
  return out;
}

using GatedDelta = OpTest;

constexpr ops::DeltaShape kShapes[] = {
    {.key_heads = 1, .value_heads = 1, .key_dim = 1, .value_dim = 1},
    {.key_heads = 2, .value_heads = 4, .key_dim = 8, .value_dim = 12},
    {.key_heads = 3, .value_heads = 3, .key_dim = 17, .value_dim = 5},
    {.key_heads = 2, .value_heads = 6, .key_dim = 4, .value_dim = 3, .in_turn = true}};

TEST_P(GatedDelta, IsTheFormula) {
  for (const ops::DeltaShape& shape : kShapes) {
    for (const std::vector<int32_t>& lengths :
         {std::vector<int32_t>{}, {1}, {0, 3}, {40, 1, 0, 7}}) {
      const Input in(shape, all_rows(lengths).count());
      const Output expected = formula(in, shape, lengths);
      for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
        const Output found = run(*ops_, in, shape, lengths, nullptr, layout);
        expect_close(found.y, expected.y, Matrix(expected.y.rows, expected.y.columns, 2), 1e-5);
        expect_close(found.state, expected.state,
                     Matrix(expected.state.rows, expected.state.columns, 2), 1e-5);
      }
    }
  }
}

TEST_P(GatedDelta, SequencesAreComputedAlone) {
  const ops::DeltaShape& shape = kShapes[1];
  const std::vector<int32_t> lengths = {5, 1, 30};
  const Input in(shape, 36);
  const Output together = run(*ops_, in, shape, lengths);
  int64_t first = 0;
  for (size_t s = 0; s < lengths.size(); first += lengths[s++]) {
    const Output alone = run(*ops_, in.part(first, lengths[s]), shape, {lengths[s]});
    expect_same_bits(alone.y, rows_of(together.y, first, lengths[s]));
    expect_same_bits(alone.state, rows_of(together.state, static_cast<int64_t>(s), 1));
  }
}

TEST_P(GatedDelta, GoesOnFromAState) {
  const ops::DeltaShape& shape = kShapes[2];
  const Input in(shape, 20);
  const Output whole = run(*ops_, in, shape, {20});
  for (const int32_t cut : {1, 7, 19}) {
    const Output head = run(*ops_, in.part(0, cut), shape, {cut});
    const Output tail = run(*ops_, in.part(cut, 20 - cut), shape, {20 - cut}, &head.state);
    expect_same_bits(tail.y, rows_of(whole.y, cut, 20 - cut));
    expect_same_bits(tail.state, whole.state);
  }
}

VECTON_FOR_EVERY_TARGET(GatedDelta);

}  // namespace
}  // namespace vecton::test
