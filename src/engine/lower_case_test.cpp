#include "engine/lower_case.h"

#include <gtest/gtest.h>

namespace vecton::engine {
namespace {

TEST(LowerCase, IsPythonsStrLower) {
  EXPECT_EQ(lower_case("Hello WORLD 42"), "hello world 42");
  EXPECT_EQ(lower_case("ÄÖÜ É Ñ Ж"), "äöü é ñ ж");
  EXPECT_EQ(lower_case("ΟΔΥΣΣΕΥΣ ΣΑΣ"), "οδυσσευς σας");
  EXPECT_EQ(lower_case("Σ ΑΣ. Α.Σ'Β"), "σ ας. α.σ'β");
  EXPECT_EQ(lower_case("İstanbul"), "i\xcc\x87stanbul");
}

TEST(LowerCase, ReadsBytesThatAreNotUtf8AsTheTokenizerDoes) {
  EXPECT_EQ(lower_case("A\xff"
                       "B"),
            "a\xef\xbf\xbd"
            "b");
}

}  // namespace
}  // namespace vecton::engine
