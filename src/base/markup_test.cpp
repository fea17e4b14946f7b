#include "base/markup.h"

#include <gtest/gtest.h>

namespace vecton::base {
namespace {

TEST(Markup, FiveCharactersAreEntities) {
  EXPECT_EQ(escape_markup("a<b>\"&'\xc3\xa9"), "a&lt;b&gt;&#34;&amp;&#39;\xc3\xa9");
  EXPECT_EQ(escape_markup(""), "");
}

}  // namespace
}  // namespace vecton::base
