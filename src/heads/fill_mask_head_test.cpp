// The likeliest tokens in place of masks; the vocabulary has four, the logits are (a, b, -a, -b).
#include "heads/fill_mask_head.h"

#include <cmath>

#include "backend/ref/ref_ops.h"
#include "heads/test_heads.h"

namespace vecton::heads {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::near;
using testing::Text;

constexpr int32_t kMask = 9;

class FillMaskHeadTest : public testing::HeadTest {
 protected:
  FillMaskHeadTest() : HeadTest(backend::make_ref_ops(), FillMask{}) {}

  FillMaskHead head() {
    checkpoint::HeadWeights weights{.every_token = true};
    weights.steps = {{.linear = testing::linear_of(*ops_, 4, 2, {1, 0, 0, 1, -1, 0, 0, -1})}};
    return {weights, kMask};
  }
  static auto best(int64_t k) {
    return [k](Work& work) { work.tasks = {FillMask{.top_k = k}}; };
  }
  // e^x / sum of e^x over (a, b, -a, -b).
  static float likely(double x, double a, double b) {
    const double total = std::exp(a) + std::exp(b) + std::exp(-a) + std::exp(-b);
    return static_cast<float>(std::exp(x) / total);
  }
  const Text text_{.ids = {1, kMask, 2, kMask}, .rows = {{0, 0}, {1, 2}, {0, 0}, {-3, 0.5f}}};
};

TEST_F(FillMaskHeadTest, WantsTheMasks) {
  EXPECT_THAT(wanted(head(), {.ids = text_.ids}), ElementsAre(1, 3));
  const std::vector<int32_t> none = {1, 2};
  EXPECT_THAT(wanted(head(), {.ids = none}), IsEmpty());
}

TEST_F(FillMaskHeadTest, GivesTheLikeliestFirst) {
  const testing::Given two = answer(head(), text_, best(2));
  EXPECT_EQ(two.rows, 2);
  EXPECT_EQ(two.columns, 2);
  EXPECT_THAT(two.ids, ElementsAre(1, 0, 2, 1));
  EXPECT_THAT(two.values,
              near({likely(2, 1, 2), likely(1, 1, 2), likely(3, -3, 0.5), likely(0.5, -3, 0.5)}));
}

TEST_F(FillMaskHeadTest, NoMoreThanTheVocabularyHas) {
  const testing::Given all = answer(head(), text_, best(100));
  EXPECT_EQ(all.columns, 4);
  EXPECT_THAT(all.ids, ElementsAre(1, 0, 2, 3, 2, 1, 3, 0));
  for (size_t row = 0; row < 2; ++row) {
    float sum = 0;
    for (size_t i = 0; i < 4; ++i) sum += all.values[4 * row + i];
    EXPECT_NEAR(sum, 1, 1e-6) << "row " << row;
  }
}

TEST_F(FillMaskHeadTest, EquallyLikelyOnesStandById) {
  const Text even{.ids = {kMask}, .rows = {{0, 0}}};
  const testing::Given all = answer(head(), even, best(4));
  EXPECT_THAT(all.ids, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(all.values, ElementsAre(0.25f, 0.25f, 0.25f, 0.25f));
}

// Probabilities stay those of the whole vocabulary.
TEST_F(FillMaskHeadTest, TargetsAloneAreAnswered) {
  const std::vector<int32_t> targets = {3, 0};
  const auto ask = [&](Work& work) { work.targets = targets; };
  const testing::Given two = answer(head(), text_, ask);
  EXPECT_EQ(two.columns, 2);
  EXPECT_THAT(two.ids, ElementsAre(0, 3, 3, 0));
  EXPECT_THAT(two.values, near({likely(1, 1, 2), likely(-2, 1, 2), likely(-0.5, -3, 0.5),
                                likely(-3, -3, 0.5)}));
}

TEST_F(FillMaskHeadTest, ATextHasTheSameBitsInAnyCompany) {
  const Text one{.ids = {kMask, 1}, .rows = {{0.1f, 0.2f}, {0, 0}}};
  expect_same_alone(head(), {text_, one, text_}, best(3));
}

}  // namespace
}  // namespace vecton::heads
