#include "cli/heat_map.h"

#include <gtest/gtest.h>

namespace vecton::cli {
namespace {

const HeatMap kMap(2, {1.0, -0.5, -0.5, 1.0});

bool same(Rgb a, Rgb b) { return a.r == b.r && a.g == b.g && a.b == b.b; }

TEST(HeatMap, ScaleGoesFromTheLowestValueToOne) {
  EXPECT_TRUE(same(kMap.colour(-0.5), kMap.colour(-1)));
  EXPECT_TRUE(same(kMap.colour(1), kMap.colour(2)));
  EXPECT_FALSE(same(kMap.colour(0), kMap.colour(-0.5)));
  const HeatMap positive(1, {1.0});
  EXPECT_TRUE(same(positive.colour(0), kMap.colour(-0.5)));
}

TEST(HeatMap, DrawsNumbersColoursOrAnExplanation) {
  EXPECT_EQ(kMap.draw(Colour::kNone, 80),
            "       1      2 \n"
            "1  1.000 -0.500 \n"
            "2 -0.500  1.000 \n");
  EXPECT_EQ(HeatMap(1, {-0.0004}).draw(Colour::kNone, 80),
            "       1 \n"
            "1  0.000 \n");
  EXPECT_NE(kMap.draw(Colour::k24Bit, 80).find("-0.500"), std::string::npos);
  const std::string narrow = kMap.draw(Colour::k256, 10);
  EXPECT_EQ(narrow.find("-0.500"), std::string::npos);
  EXPECT_NE(narrow.find("\x1b[48;5;"), std::string::npos);
  EXPECT_NE(kMap.draw(Colour::k256, 3).find("too wide"), std::string::npos);
}

}  // namespace
}  // namespace vecton::cli
