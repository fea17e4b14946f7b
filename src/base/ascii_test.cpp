#include "base/ascii.h"

#include <gtest/gtest.h>

namespace vecton::base {
namespace {

TEST(Ascii, LowerLeavesOtherBytesAsTheyAre) {
  EXPECT_EQ(ascii_lower(""), "");
  EXPECT_EQ(ascii_lower("@AZ[`az{-09"), "@az[`az{-09");
  EXPECT_EQ(ascii_lower("\xc3\x84\xff"), "\xc3\x84\xff");
}

TEST(Ascii, TrimmedLosesWhatIsAroundAlone) {
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed(" \t\r\n"), "");
  EXPECT_EQ(trimmed("\n a b\t"), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed("\ta\n", " \t"), "a\n");
  EXPECT_EQ(trimmed("\va"), "\va");
}

}  // namespace
}  // namespace vecton::base
