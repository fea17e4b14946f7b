#include "server/auth.h"

#include <gtest/gtest.h>

namespace vecton::server {
namespace {

TEST(Auth, TakesAnyOfTheKeys) {
  const std::vector<std::string> keys = {"one", "second key"};
  EXPECT_TRUE(authorized("Bearer one", keys));
  EXPECT_TRUE(authorized("bEARER one", keys));
  EXPECT_TRUE(authorized("Bearer  one", keys));
  EXPECT_TRUE(authorized("Bearer second key", keys));
}

TEST(Auth, RefusesEverythingElse) {
  const std::vector<std::string> keys = {"one"};
  for (const char* header :
       {"", "one", "Bearer", "Bearer ", "Bearer on", "Bearer onee", "Bearer One", "Basic one"}) {
    EXPECT_FALSE(authorized(header, keys)) << header;
  }
  EXPECT_FALSE(authorized("Bearer one", {}));
}

}  // namespace
}  // namespace vecton::server
