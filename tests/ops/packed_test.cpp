// linear(), gated_linear() and embed() of packed weights: what the floats that their codes mean
// give.
#include <gmock/gmock.h>

#include <algorithm>
#include <limits>

#include "ops/packed_weight.h"
#include "vecton/error.h"

namespace vecton::test {
namespace {

std::string describe(const PackedForm& form) {
  const auto type = [](std::optional<tensor::BlockNumbers::Type> t) {
    return t ? std::to_string(static_cast<int>(*t)) : std::string("none");
  };
  return form.name + ", blocks of " + std::to_string(form.block_rows) + " x " +
         std::to_string(form.block) + ", zero " + std::to_string(form.zero_point) + ", scales " +
         type(form.scale) + ", offsets " + type(form.offset) + ", units " + type(form.units);
}

class Packed : public OpTest {
 protected:
  // The bound of a float's sum, of the floats.
  void check(const PackedForm& form, int64_t n, int64_t k, const std::vector<int64_t>& counts) {
    if (HasFailure()) return;
    SCOPED_TRACE(describe(form) + ", n " + std::to_string(n) + ", k " + std::to_string(k));
    Random random(static_cast<uint32_t>(n * 1009 + k));
    const PackedWeight packed = make_packed(random, form, n, k);
    const int64_t most = *std::ranges::max_element(counts);
    const Matrix x = random_matrix(random, most, k);
    const Numbers bias = random_numbers(random, n);
    const auto run = [&](Ops& on, const tensor::Weight& weight, const Matrix& in,
                         const Numbers& b) {
      const ops::LinearWeight w{on.prepare_linear({&weight, 1}), prepare(on, b)};
      EXPECT_EQ(w.w->n, n);
      EXPECT_EQ(w.w->k, k);
      return download(on, on.linear(upload(on, in), w));
    };
    const tensor::Weight dense = make_weight(packed.floats);
    const Matrix expected = run(*ref_, dense, x, bias);
    expect_same_bits(run(*ref_, packed.weight, x, bias), expected);
    const Matrix scale =
        run(*ref_, make_weight(magnitudes(packed.floats)), magnitudes(x), magnitudes(bias));
    for (const int64_t m : counts) {
      SCOPED_TRACE("m " + std::to_string(m));
      expect_close(run(*ops_, packed.weight, rows_of(x, 0, m), bias), rows_of(expected, 0, m),
                   rows_of(scale, 0, m), sum_bound(k));
      if (HasFailure()) return;
    }
  }
};

TEST_P(Packed, EveryForm) {
  for (const PackedForm& form : packed_forms()) check(form, 35, 160, {1, 3, 8, 31, 70});
}

TEST_P(Packed, OddShapes) {
  for (const PackedForm& form : packed_forms()) {
    if (form.block != 32 && form.block != 64 && form.block != 0) continue;
    check(form, 1, 32, {1, 2});
    check(form, 33, 300, {1, 5, 13});
    check(form, 70, 77, {1, 12, 40});
  }
}

TEST_P(Packed, LargeShapes) {
  const std::vector<PackedForm>& forms = packed_forms();
  for (size_t i = 0; i < forms.size(); i += 5) check(forms[i], 130, 1100, {1, 2, 4, 7, 33, 300});
}

TEST_P(Packed, Gated) {
  const std::vector<PackedForm>& forms = packed_forms();
  for (size_t i = 0; i < forms.size(); ++i) {
    for (const size_t other : {i, (i + 7) % forms.size()}) {
      SCOPED_TRACE(describe(forms[i]) + " and " + describe(forms[other]));
      Random random(static_cast<uint32_t>(i));
      const PackedWeight gate = make_packed(random, forms[i], 35, 144),
                         up = make_packed(random, forms[other], 35, 144);
      const Matrix x = random_matrix(random, 15, 144);
      const Numbers bias = random_numbers(random, 70);
      const auto run = [&](Ops& on, const tensor::Weight& g, const tensor::Weight& u,
                           const Matrix& in, const Numbers& b, ops::Activation act) {
        const ops::GatedWeight w{on.prepare_gated(g, u), prepare(on, b)};
        EXPECT_EQ(w.w->n, 35);
        return download(on, on.gated_linear(upload(on, in), w, act));
      };
      const Matrix expected = run(*ref_, make_weight(gate.floats), make_weight(up.floats), x, bias,
                                  ops::Activation::kSilu);
      const Matrix scale =
          run(*ref_, make_weight(magnitudes(gate.floats)), make_weight(magnitudes(up.floats)),
              magnitudes(x), magnitudes(bias), ops::Activation::kIdentity);
      for (const int64_t m : {1, 15}) {
        expect_close(
            run(*ops_, gate.weight, up.weight, rows_of(x, 0, m), bias, ops::Activation::kSilu),
            rows_of(expected, 0, m), rows_of(scale, 0, m), 2 * sum_bound(144));
        if (HasFailure()) return;
      }
    }
  }
}

// Parts of different forms, and dense ones between them.
TEST_P(Packed, Stacked) {
  const std::vector<PackedForm>& forms = packed_forms();
  Random random(5);
  std::vector<tensor::Weight> weights;
  Matrix floats(0, 96), x = random_matrix(random, 20, 96);
  const auto add = [&](const tensor::Weight& weight, const Matrix& values) {
    weights.push_back(weight);
    floats.rows += values.rows;
    floats.values.insert(floats.values.end(), values.values.begin(), values.values.end());
  };
  for (const size_t form : {0, 0, 30, 31, 50, 80}) {
    const PackedWeight packed = make_packed(random, forms[form], 17, 96);
    add(packed.weight, packed.floats);
    const Matrix dense = random_matrix(random, 9, 96);
    if (form == 31) add(make_weight(dense), dense);
  }
  const auto run = [&](Ops& on, const std::vector<tensor::Weight>& parts, const Matrix& in) {
    return download(on, on.linear(upload(on, in), {on.prepare_linear(parts), {}}));
  };
  const Matrix expected = run(*ref_, {make_weight(floats)}, x);
  expect_close(run(*ops_, weights, x), expected,
               run(*ref_, {make_weight(magnitudes(floats))}, magnitudes(x)), sum_bound(96));
}

// Rows of a packed table, alone and tied to a head.
TEST_P(Packed, Tables) {
  for (const PackedForm& form : packed_forms()) {
    if (HasFailure()) return;
    SCOPED_TRACE(describe(form));
    Random random(9);
    const PackedWeight packed = make_packed(random, form, 70, 96);
    const Matrix types = random_matrix(random, 2, 96);
    std::vector<int32_t> ids(40), zeros(40);
    for (int32_t& id : ids) id = static_cast<int32_t>(random() % 70);
    const auto embed = [&](Ops& on, const ops::PreparedWeight& table) {
      const tensor::Weight other = make_weight(types);
      const ops::PreparedWeight dense = on.prepare_table(other);
      const Ops::Lookup lookups[] = {{*table, on.upload_indices(ids)},
                                     {*dense, on.upload_indices(zeros)}};
      return download(on, on.embed(lookups));
    };
    const Matrix expected = embed(*ref_, ref_->prepare_table(make_weight(packed.floats)));
    const ops::PreparedWeight table = ops_->prepare_table(packed.weight);
    expect_same_bits(embed(*ops_, table), expected);
    const int64_t before = table->bytes;
    const ops::PreparedWeight head = ops_->prepare_linear({&packed.weight, 1});
    expect_same_bits(embed(*ops_, table), expected);
    if (ops_->name() == "cpu") {
      EXPECT_GT(before, 0);
      EXPECT_EQ(table->bytes, 0);  // the head's are read
    }
  }
}

// A row's bits depend on the row alone: any batch, any number of threads.
TEST_P(Packed, SameBits) {
  const std::unique_ptr<base::ThreadPool> one = make_pool(1), four = make_pool(4);
  const std::unique_ptr<Ops> alone = make(*one), crowded = make(*four);
  for (const PackedForm& form : packed_forms()) {
    SCOPED_TRACE(describe(form));
    Random random(3);
    const PackedWeight packed = make_packed(random, form, 100, 288);
    const Matrix x = random_matrix(random, 70, 288);
    for (const ops::Compute compute : computes()) {
      if (ops::rounds_to(compute) != tensor::DType::kF32) continue;  // refused
      SCOPED_TRACE(ops::to_string(compute));
      const ops::PreparedWeight w = ops_->prepare_linear({&packed.weight, 1}, compute);
      const Matrix expected = download(*crowded, crowded->linear(upload(*crowded, x), {w, {}}));
      for (const int64_t m : {1, 2, 3, 5, 6, 7, 12, 13, 25, 64}) {
        const int64_t start = m * 13 % (x.rows - m + 1);
        for (Ops* ops : {alone.get(), ops_.get(), crowded.get()}) {
          const Tensor in = upload(*ops, rows_of(x, start, m), Layout::kStrided);
          expect_same_bits(download(*ops, ops->linear(in, {w, {}})), rows_of(expected, start, m));
          if (HasFailure()) return;
        }
      }
    }
  }
}

// Rows with numbers that are not finite give such, and are no other row's business; rows of very
// large and very small numbers give what they should.
TEST_P(Packed, ExtremeActivations) {
  const float inf = std::numeric_limits<float>::infinity(),
              nan = std::numeric_limits<float>::quiet_NaN();
  for (const PackedForm& form : packed_forms()) {
    SCOPED_TRACE(describe(form));
    Random random(3);
    const PackedWeight packed = make_packed(random, form, 40, 96);
    Matrix x = random_matrix(random, 9, 96);
    const float factors[] = {1, 1e-25f, 1e25f, 1, 1, 1, 1, 1, 0};
    for (int64_t i = 0; i < x.rows; ++i) {
      for (int64_t j = 0; j < x.columns; ++j) x.at(i, j) *= factors[i];
    }
    x.at(3, 50) = inf;
    x.at(4, 95) = -inf;
    x.at(5, 0) = nan;
    x.at(6, 60) = -nan;
    const auto run = [&](Ops& on, const tensor::Weight& weight, const Matrix& in) {
      return download(on, on.linear(upload(on, in), {on.prepare_linear({&weight, 1}), {}}));
    };
    const Matrix actual = run(*ops_, packed.weight, x);
    const Matrix expected = run(*ref_, packed.weight, x);
    const Matrix scale = run(*ref_, make_weight(magnitudes(packed.floats)), magnitudes(x));
    for (int64_t i = 0; i < x.rows; ++i) {
      if (i >= 3 && i <= 6) {
        for (int64_t j = 0; j < 40; ++j) {
          EXPECT_TRUE(std::isfinite(expected.at(i, j)) || !std::isfinite(actual.at(i, j)));
        }
      } else {
        expect_close(rows_of(actual, i, 1), rows_of(expected, i, 1), rows_of(scale, i, 1),
                     sum_bound(96));
      }
    }
    if (HasFailure()) return;
  }
}

// What is packed stays packed.
TEST_P(Packed, Memory) {
  if (ops_->name() != "cpu") GTEST_SKIP() << "the reference widens";
  for (const PackedForm& form : packed_forms()) {
    SCOPED_TRACE(describe(form));
    Random random(3);
    const int64_t n = 256, k = 1024;
    const tensor::Weight weight = make_packed(random, form, n, k).weight;
    const auto file = static_cast<double>(
        weight.codes.bytes.size() + weight.scale.bytes.size() + weight.offset.bytes.size() +
        weight.scale_unit.bytes.size() + weight.offset_unit.bytes.size());
    const int bits = weight.codes.stored_bits();
    // 1 bit takes 2, 5 bits take 8.
    const double most = bits == 1 ? 2.05 : bits == 2 || bits == 4 || bits == 8 ? 1.1 : 1.605;
    // Numbers of blocks of many rows are kept for each column.
    const double more = form.block_rows > 1 ? 0.05 * static_cast<double>(n * k) : 0;
    EXPECT_LE(static_cast<double>(ops_->prepare_linear({&weight, 1})->bytes), most * file + more);
  }
}

TEST_P(Packed, WhatIsTooShortOrOddIsRefused) {
  Random random(1);
  const auto message_of = [&](const tensor::Weight& weight) -> std::string {
    try {
      ops_->prepare_linear({&weight, 1});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const PackedForm form{.bits = 4, .block = 32, .scale = tensor::BlockNumbers::Type::kF16};
  const tensor::Weight good = make_packed(random, form, 8, 64).weight;
  EXPECT_EQ(message_of(good), "");
  tensor::Weight bad = good;
  bad.codes.bytes = bad.codes.bytes.first(255);
  EXPECT_THAT(message_of(bad), testing::HasSubstr("test.weight: expected 256 bytes, found 255"));
  bad = good;
  bad.scale.bytes = bad.scale.bytes.first(31);
  EXPECT_THAT(message_of(bad), testing::HasSubstr("test.weight: scales: expected 32 bytes"));
  bad = good;
  bad.codes.bits = 9;
  EXPECT_THAT(message_of(bad), testing::HasSubstr("codes of 9 bits"));
  for (const ops::Compute compute : computes()) {
    if (ops::rounds_to(compute) == tensor::DType::kF32) continue;
    try {
      ops_->prepare_gated(good, good, compute);
      ADD_FAILURE() << "codes are not rounded to " << ops::to_string(compute);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
      EXPECT_THAT(error.what(), testing::HasSubstr("test.weight: quantised"));
    }
  }
  if (ops_->name() != "cpu") return;
  bad = make_packed(random, {.bits = 4, .block = 24}, 8, 64).weight;
  EXPECT_THAT(message_of(bad), testing::HasSubstr("multiples of 16"));
}

VECTON_FOR_EVERY_TARGET(Packed);

}  // namespace
}  // namespace vecton::test
