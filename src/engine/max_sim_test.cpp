#include <gmock/gmock.h>

#include <functional>
#include <numeric>
#include <random>

#include "vecton/vecton.h"

namespace vecton {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<float> kQuery = {1, 0, 0, 2};                       // two rows of two
const std::vector<float> kStored = {1, 0, 3, 4, 0, 1, -1, -1, 2, 2};  // five

Numbers rows_of_two(const std::vector<float>& values) {
  return {.rows = std::ssize(values) / 2, .columns = 2, .values = values};
}

class StoredDocuments : public testing::Test {
 protected:
  std::vector<float> scores(const std::vector<int64_t>& offsets) const {
    return max_sim(*runtime_, rows_of_two(kQuery), rows_of_two(kStored), offsets);
  }
  static std::string refusal(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  const std::shared_ptr<Runtime> runtime_ = Runtime::create({.threads = 2});
};

TEST_F(StoredDocuments, ScoreTheBestRowOfEachOfTheQuery) {
  EXPECT_THAT(scores({0, 2, 3, 5}), ElementsAre(3 + 8, 0 + 2, 2 + 4));
  EXPECT_THAT(scores({3, 4}), ElementsAre(-3));
  EXPECT_THAT(scores({2}), IsEmpty());
  EXPECT_THAT(max_sim(*runtime_, {.rows = 0, .columns = 2}, rows_of_two(kStored),
                      std::vector<int64_t>{0, 5}),
              ElementsAre(0));
}

// Each as it is alone, whatever the threads.
TEST_F(StoredDocuments, HaveBitsOfTheirOwn) {
  constexpr int64_t kColumns = 128, kTokens = 70, kDocuments = 40;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> query(20 * kColumns), stored(kDocuments * kTokens * kColumns);
  for (std::vector<float>* values : {&query, &stored})
    for (float& value : *values) value = normal(random);
  std::vector<int64_t> offsets(kDocuments + 1);
  for (size_t i = 1; i < offsets.size(); ++i) offsets[i] = offsets[i - 1] + kTokens;
  const Numbers q{.rows = 20, .columns = kColumns, .values = query},
      d{.rows = kDocuments * kTokens, .columns = kColumns, .values = stored};
  const std::vector<float> together = max_sim(*runtime_, q, d, offsets);
  const auto alone = Runtime::create({.threads = 1});
  EXPECT_EQ(max_sim(*alone, q, d, offsets), together);
  for (size_t i = 0; i + 1 < offsets.size(); ++i)
    EXPECT_EQ(max_sim(*alone, q, d, std::span(offsets).subspan(i, 2)).front(), together[i]);
}

TEST_F(StoredDocuments, ThatDoNotBelongTogetherAreRefused) {
  EXPECT_THAT(refusal([&] { scores({}); }), HasSubstr("of the 5 rows of documents"));
  EXPECT_THAT(refusal([&] { scores({0, 6}); }), HasSubstr("of the 5 rows of documents"));
  EXPECT_THAT(refusal([&] { scores({-1, 2}); }), HasSubstr("of the 5 rows of documents"));
  EXPECT_THAT(refusal([&] { scores({0, 2, 2}); }), HasSubstr("document 1 has no rows"));
  EXPECT_THAT(refusal([&] {
                max_sim(*runtime_, {.rows = 1, .columns = 4, .values = kQuery},
                        rows_of_two(kStored), std::vector<int64_t>{0, 5});
              }),
              HasSubstr("documents have 2 columns, the query has 4"));
  EXPECT_THAT(refusal([&] {
                max_sim(*runtime_, {.rows = 2, .columns = 4, .values = kQuery},
                        rows_of_two(kStored), std::vector<int64_t>{0, 5});
              }),
              HasSubstr("query: [2, 4] has 4 values"));
}

}  // namespace
}  // namespace vecton
