// grouped_linear() and grouped_gated_linear() give each group the bits that it has alone.
#include "ops/packed_weight.h"
#include "ops/support.h"

namespace vecton::test {
namespace {

// One tile and several, few rows and many, next to each other.
constexpr int64_t kGroupRows[] = {3, 1, 40, 2, 13, 5, 66, 1};

class GroupedLinear : public OpTest {
 protected:
  // Of the forms that a file may have, one after another, so that a call has them side by side.
  // Codes are not rounded: floats alone go with a compute that rounds.
  tensor::Weight next_weight(int64_t n, int64_t k, ops::Compute compute) {
    const std::vector<PackedForm>& forms = packed_forms();
    const size_t which = forms_++ % (forms.size() + 1);
    if (which == forms.size() || ops::rounds_to(compute) != tensor::DType::kF32)
      return make_weight(random_matrix(random_, n, k));
    return make_packed(random_, forms[which], n, k).weight;
  }

  // `grouped` of all groups at once, `alone` of each.
  template <class W, class Grouped, class Alone>
  void check(const std::vector<W>& weights, int64_t k, const Grouped& grouped, const Alone& alone) {
    std::vector<ops::RowsOf<W>> groups;
    int64_t rows = 0;
    for (const W& weight : weights) {
      groups.push_back({&weight, kGroupRows[groups.size() % std::size(kGroupRows)]});
      rows += groups.back().rows;
    }
    for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
      const Tensor x = upload(*ops_, random_matrix(random_, rows, k), layout);
      const Matrix all = download(*ops_, grouped(x, groups));
      int64_t first = 0;
      for (const auto& [weight, count] : groups) {
        SCOPED_TRACE("rows " + std::to_string(first) + " .. " + std::to_string(first + count));
        expect_same_bits(rows_of(all, first, count),
                         download(*ops_, alone(x.slice_rows(first, count), *weight)));
        first += count;
      }
      EXPECT_EQ(first, all.rows);
    }
  }

  Random random_{11};
  size_t forms_ = 0;
};

TEST_P(GroupedLinear, IsLinearOfEveryGroup) {
  constexpr int64_t kN = 80, kK = 256;
  const size_t count = packed_forms().size() + 1;
  for (const ops::Compute compute : computes()) {
    std::vector<ops::LinearWeight> weights;
    for (size_t i = 0; i < count; ++i) {
      const tensor::Weight w = next_weight(kN, kK, compute);
      weights.push_back({ops_->prepare_linear({&w, 1}, compute),
                         i % 2 == 0 ? prepare(*ops_, random_numbers(random_, kN)) : ops::Vector()});
    }
    for (const ops::Activation act : {ops::Activation::kIdentity, ops::Activation::kRelu}) {
      check(
          weights, kK,
          [&](const Tensor& x, std::span<const ops::RowsOf<ops::LinearWeight>> groups) {
            return ops_->grouped_linear(x, groups, act);
          },
          [&](const Tensor& x, const ops::LinearWeight& w) { return ops_->linear(x, w, act); });
    }
  }
}

TEST_P(GroupedLinear, GatedIsGatedLinearOfEveryGroup) {
  constexpr int64_t kN = 48, kK = 256;
  for (const ops::Compute compute : computes()) {
    for (const bool alike : {true, false}) {  // gate and up of two forms lie apart
      std::vector<ops::GatedWeight> weights;
      for (size_t i = 0; i < packed_forms().size() + 1; ++i) {
        const tensor::Weight gate = next_weight(kN, kK, compute);
        if (alike) --forms_;
        const tensor::Weight up = next_weight(kN, kK, compute);
        weights.push_back({ops_->prepare_gated(gate, up, compute), {}});
      }
      check(
          weights, kK,
          [&](const Tensor& x, std::span<const ops::RowsOf<ops::GatedWeight>> groups) {
            return ops_->grouped_gated_linear(x, groups, ops::Activation::kSilu);
          },
          [&](const Tensor& x, const ops::GatedWeight& w) {
            return ops_->gated_linear(x, w, ops::Activation::kSilu);
          });
    }
  }
}

VECTON_FOR_EVERY_TARGET(GroupedLinear);

}  // namespace
}  // namespace vecton::test
