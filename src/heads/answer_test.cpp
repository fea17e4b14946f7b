// Answers and results: their numbers whatever their kind, and errors in their place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <variant>

#include "vecton/request.h"

namespace vecton::heads {
namespace {

using ::testing::ElementsAre;

TEST(Answers, HaveNumbersWhateverTheirKind) {
  const auto expect = [](const Answer& answer, int64_t rows, int64_t columns,
                         const std::vector<float>& values) {
    const Numbers numbers = numbers_of(answer);
    EXPECT_EQ(numbers.rows, rows);
    EXPECT_EQ(numbers.columns, columns);
    EXPECT_THAT(numbers.values, ::testing::ElementsAreArray(values));
  };
  expect(Vectors{.rows = 1, .columns = 2, .values = {1, 2}}, 1, 2, {1, 2});
  expect(SparseVector{.ids = {7, 9, 11}, .values = {1, 2, 3}}, 1, 3, {1, 2, 3});
  expect(Labels{.rows = 2, .columns = 1, .values = {1, 2}}, 2, 1, {1, 2});
  expect(Relevance{.score = 0.5f, .logit = 3}, 1, 1, {0.5f});
  expect(Fillings{.rows = 1, .columns = 2, .ids = {4, 5}, .values = {1, 2}}, 1, 2, {1, 2});
  expect(Error(ErrorCode::kTooLong, "too long"), 0, 0, {});
}

TEST(Answers, OfATaskAreItsOutput) {
  Result result{.answer = Embed::Output{.rows = 1, .columns = 1, .values = {2}}};
  EXPECT_FALSE(result.error());
  result.get<Vectors>().values.push_back(3);
  EXPECT_THAT(result.get<Vectors>().values, ElementsAre(2, 3));
  EXPECT_THROW((void)result.get<Labels>(), std::bad_variant_access);
}

TEST(Answers, ThatAreErrorsAreThrown) {
  const Result result{.answer = Error(ErrorCode::kTooLong, "input: too long", "input")};
  ASSERT_TRUE(result.error());
  EXPECT_EQ(result.error()->code(), ErrorCode::kTooLong);
  try {
    (void)result.get<Vectors>();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.field(), "input");
  }
}

}  // namespace
}  // namespace vecton::heads
