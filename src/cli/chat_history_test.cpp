#include "cli/chat_history.h"

#include <gtest/gtest.h>

#include <sstream>

namespace vecton::cli {
namespace {

TEST(ChatHistory, HasImagesBeforeTheTextTheyCameWith) {
  ChatHistory history("");
  history.add("user", "what is it?", {{.bytes = {}, .source = "a.png"}, {.bytes = "b"}});
  history.add("assistant", "a cat");
  EXPECT_EQ(
      history.messages(),
      R"([{"role": "user", "content": [{"type": "image"}, {"type": "image"}, )"
      R"({"type": "text", "text": "what is it?"}]}, {"role": "assistant", "content": "a cat"}])");
  ASSERT_EQ(history.images().size(), 2u);
  EXPECT_EQ(history.images()[0].source, "a.png");
  history.reset();
  EXPECT_TRUE(history.images().empty());
}

TEST(ChatHistory, IsMessages) {
  ChatHistory history("");
  EXPECT_EQ(history.messages(), "[]");
  history.add("user", "a \"b\"\n");
  history.add("assistant", "c");
  EXPECT_EQ(history.messages(),
            R"([{"role": "user", "content": "a \"b\"\n"}, {"role": "assistant", "content": "c"}])");
  history.take_back();
  history.set_system("be kind");
  EXPECT_EQ(
      history.messages(),
      R"([{"role": "system", "content": "be kind"}, {"role": "user", "content": "a \"b\"\n"}])");
  history.reset();
  EXPECT_EQ(history.messages(), R"([{"role": "system", "content": "be kind"}])");
}

TEST(ChatHistory, ReadsLinesThatGoOn) {
  std::istringstream in("one\ntwo\\\nthree\r\n\nlast\\\n");
  std::string text;
  const auto next = [&] { return read_turn(in, "", text); };
  EXPECT_TRUE(next());
  EXPECT_EQ(text, "one");
  EXPECT_TRUE(next());
  EXPECT_EQ(text, "two\nthree");
  EXPECT_TRUE(next());
  EXPECT_EQ(text, "");
  EXPECT_TRUE(next());
  EXPECT_EQ(text, "last\n");
  EXPECT_FALSE(next());
}

}  // namespace
}  // namespace vecton::cli
