#include "server/api_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_folder.h"

namespace vecton::server {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

ServerOptions with_keys(std::vector<std::string> keys, std::string file = {}) {
  ServerOptions options;
  options.api_keys = std::move(keys);
  options.api_key_file = std::move(file);
  return options;
}

std::string error_of(std::string_view text) {
  try {
    parse_api_keys(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ApiKeys, TakesAnyOfTheKeys) {
  const ApiKeys keys(with_keys({"one", "second key"}));
  for (const char* header : {"Bearer one", "bEARER one", "Bearer  one"}) {
    ASSERT_TRUE(keys.find(header)) << header;
    EXPECT_EQ(keys.find(header)->key().name, "key-1");
  }
  EXPECT_EQ(keys.find("Bearer second key")->key().name, "key-2");
  EXPECT_FALSE(keys.find("Bearer one")->key().is_operator);
}

TEST(ApiKeys, RefusesEverythingElse) {
  const ApiKeys keys(with_keys({"one"}));
  for (const char* header :
       {"", "one", "Bearer", "Bearer ", "Bearer on", "Bearer onee", "Bearer One", "Basic one"}) {
    EXPECT_FALSE(keys.find(header)) << header;
  }
  EXPECT_TRUE(keys.required());
  const ApiKeys none(with_keys({}));
  EXPECT_FALSE(none.required());
  EXPECT_FALSE(none.find("Bearer one"));
  EXPECT_THROW(ApiKeys(with_keys({""})), Error);
}

TEST(ApiKeys, ReadsLines) {
  const auto keys = parse_api_keys("# comment\none\r\n\ntwo");
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].key, "one");
  EXPECT_EQ(keys[1].key, "two");
}

TEST(ApiKeys, ReadsJson) {
  const auto keys = parse_api_keys(R"([{"key": "a"},
    {"key": "b", "name": "bulk", "requests_per_minute": 60, "tokens_per_minute": 1000,
     "role": "operator"}])");
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].name, "");
  EXPECT_EQ(keys[1].name, "bulk");
  EXPECT_EQ(keys[1].requests_per_minute, 60);
  EXPECT_EQ(keys[1].tokens_per_minute, 1000);
  EXPECT_TRUE(keys[1].is_operator);
}

TEST(ApiKeys, NamesWhatIsWrong) {
  EXPECT_THAT(error_of(""), HasSubstr("no key"));
  EXPECT_THAT(error_of("[]"), HasSubstr("no key"));
  EXPECT_THAT(error_of("[1"), HasSubstr("API keys"));
  EXPECT_THAT(error_of("{}"), HasSubstr("a list"));
  EXPECT_THAT(error_of("[1]"), HasSubstr("[0]"));
  EXPECT_THAT(error_of(R"([{"name": "a"}])"), HasSubstr("`key` is missing"));
  EXPECT_THAT(error_of(R"([{"key": ""}])"), HasSubstr("[0].key"));
  EXPECT_THAT(error_of(R"([{"key": "a", "name": "x y"}])"), HasSubstr("[0].name"));
  EXPECT_THAT(error_of(R"([{"key": "a", "role": "root"}])"), HasSubstr("client or operator"));
  EXPECT_THAT(error_of(R"([{"key": "a", "rpm": 1}])"), HasSubstr("requests_per_minute"));
  EXPECT_THAT(error_of(R"([{"key": "a", "tokens_per_minute": -1}])"),
              HasSubstr("[0].tokens_per_minute"));
}

TEST(ApiKeys, LimitsRequestsInAMinute) {
  KeyAccount account({.key = "a", .name = "a", .requests_per_minute = 2});
  const auto start = KeyAccount::Clock::now();
  EXPECT_FALSE(account.admit(start).limit);
  EXPECT_FALSE(account.admit(start).limit);
  const auto refused = account.admit(start);
  ASSERT_TRUE(refused.limit);
  EXPECT_STREQ(refused.limit, "requests");
  EXPECT_EQ(refused.wait, 30);
  EXPECT_TRUE(account.admit(start + seconds(29)).limit);
  EXPECT_FALSE(account.admit(start + seconds(31)).limit);
  EXPECT_EQ(account.requests(), 5);
  EXPECT_EQ(account.refused(), 2);
}

TEST(ApiKeys, LimitsTokensInAMinuteByWhatWasCounted) {
  KeyAccount account({.key = "a", .name = "a", .tokens_per_minute = 600});
  const auto start = KeyAccount::Clock::now();
  EXPECT_FALSE(account.admit(start).limit);
  account.charge(1199);  // 599 more than there were
  const auto refused = account.admit(start);
  ASSERT_TRUE(refused.limit);
  EXPECT_STREQ(refused.limit, "tokens");
  EXPECT_EQ(refused.wait, 60);
  EXPECT_TRUE(account.admit(start + seconds(59)).limit);
  EXPECT_FALSE(account.admit(start + seconds(61)).limit);
  EXPECT_EQ(account.tokens(), 1199);
}

TEST(ApiKeys, IsReadAgain) {
  const base::TemporaryFolder folder;
  const auto write = [&](std::string_view text) { return folder.write("keys.json", text); };
  const std::string file = write(R"([{"key": "a", "name": "a"}, {"key": "b", "name": "b"}])");
  ApiKeys keys(with_keys({"own"}, file));
  EXPECT_EQ(keys.find("Bearer own")->key().name, "key-1");
  const auto kept = keys.find("Bearer a");
  kept->charge(7);
  write(R"([{"key": "a", "name": "a"}, {"key": "c", "name": "c"}])");
  keys.reload();
  EXPECT_EQ(keys.find("Bearer a")->tokens(), 7);
  EXPECT_FALSE(keys.find("Bearer b"));
  EXPECT_TRUE(keys.find("Bearer c"));
  write("[");
  EXPECT_THROW(keys.reload(), Error);
  EXPECT_TRUE(keys.find("Bearer c"));
  write(R"([{"key": "a", "name": "a"}, {"key": "c", "name": "a"}])");
  EXPECT_THROW(keys.reload(), Error);
  write(R"([{"key": "a", "name": "a"}, {"key": "a", "name": "c"}])");
  EXPECT_THROW(keys.reload(), Error);
  EXPECT_THAT(keys.metrics(), HasSubstr("vecton_key_tokens_total{key=\"a\"} 7\n"));
  EXPECT_THROW(ApiKeys(with_keys({}, folder.path() / "none")), Error);
}

}  // namespace
}  // namespace vecton::server
