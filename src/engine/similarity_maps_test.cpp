#include <gmock/gmock.h>

#include "vecton/vecton.h"

namespace vecton {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Vectors kQuery{.rows = 2, .columns = 2, .values = {1, 0, 0.5, 0.5}};
const Vectors kDocument{.rows = 4, .columns = 2, .values = {9, 9, 1, 0, 0, 1, 2, 2}};

TEST(SimilarityMaps, AreDotProductsOfTokensAndPatches) {
  EXPECT_THAT(similarity_maps(kQuery, kDocument, {.begin = 1, .rows = 1, .columns = 3}),
              ElementsAre(1, 0, 2, 0.5, 0.5, 2));
}

TEST(SimilarityMaps, RefuseWhatDoesNotBelongTogether) {
  const auto refusal = [](const Vectors& query, const ImageGrid& grid) -> std::string {
    try {
      similarity_maps(query, kDocument, grid);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal(kQuery, {.begin = 2, .rows = 1, .columns = 3}),
              HasSubstr("rows 2 to 5 of 4"));
  EXPECT_THAT(refusal({.rows = 1, .columns = 1, .values = {1}}, {.rows = 1, .columns = 1}),
              HasSubstr("have 1 values and the document's 2"));
}

}  // namespace
}  // namespace vecton
