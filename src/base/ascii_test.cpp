#include "base/ascii.h"

#include <gtest/gtest.h>

namespace vecton::base {
namespace {

TEST(Ascii, LowerLeavesOtherBytesAsTheyAre) {
  EXPECT_EQ(ascii_lower(""), "");
  EXPECT_EQ(ascii_lower("@AZ[`az{-09"), "@az[`az{-09");
  EXPECT_EQ(ascii_lower("\xc3\x84\xff"), "\xc3\x84\xff");
}

}  // namespace
}  // namespace vecton::base
