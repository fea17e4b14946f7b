#include "generation/stop_strings.h"

#include <gtest/gtest.h>

#include <random>

namespace vecton::generation {
namespace {

struct Stopped {
  std::string text;
  std::optional<size_t> found;
};

Stopped run(StopStrings stop, const std::vector<std::string>& pieces) {
  Stopped result;
  for (const std::string& piece : pieces) result.text += stop.push(piece);
  result.found = stop.found();
  if (!result.found) result.text += stop.finish();
  return result;
}

TEST(StopStrings, EndsAcrossPieces) {
  const Stopped of = run({{"END"}, false}, {"a text E", "N", "D and more", "x"});
  EXPECT_EQ(of.text, "a text ");
  EXPECT_EQ(of.found, 0u);
}

TEST(StopStrings, KeepsTheStringWhereAsked) {
  EXPECT_EQ(run({{"END"}, true}, {"a E", "ND more"}).text, "a END");
}

TEST(StopStrings, HoldsBackOnlyWhatMayBeAString) {
  StopStrings stop({"abc", "xyz"}, false);
  EXPECT_EQ(stop.push("hello a"), "hello ");
  EXPECT_EQ(stop.push("bd x"), "abd ");
  EXPECT_EQ(stop.push("x"), "x");
  EXPECT_EQ(stop.push("y"), "");
  EXPECT_EQ(stop.finish(), "xy");
}

TEST(StopStrings, TheFirstThatIsCompleteCounts) {
  EXPECT_EQ(run({{"bcde", "cd"}, false}, {"abcdef"}).text, "ab");
  EXPECT_EQ(run({{"bcde", "cd"}, false}, {"abcdef"}).found, 1u);
  EXPECT_EQ(run({{"d", "cd"}, false}, {"abcdef"}).text, "abc");  // the first of the list
  EXPECT_EQ(run({{"cd", "d"}, false}, {"abcdef"}).text, "ab");
}

TEST(StopStrings, StringsThatBeginTooEarlyDoNotCount) {
  StopStrings stop({"ab"}, false);
  EXPECT_EQ(stop.push("ab a", false), "ab a");
  EXPECT_EQ(stop.push("b ab!"), "b ");
  EXPECT_TRUE(stop.found());
}

TEST(StopStrings, NoneChangesNothing) {
  StopStrings stop({}, false);
  EXPECT_EQ(stop.push("any"), "any");
  EXPECT_EQ(stop.finish(), "");
}

// Whatever the pieces, the text is that of all at once.
TEST(StopStrings, PiecesDoNotMatter) {
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    const auto letters = [&](size_t count) {
      std::string text;
      while (text.size() < count) text += static_cast<char>('a' + random() % 2);
      return text;
    };
    std::vector<std::string> strings;
    for (size_t i = 0; i <= random() % 3; ++i) strings.push_back(letters(2 + random() % 5));
    const std::string text = letters(random() % 30);
    const bool include = random() % 2;
    // By its definition: the place where each is first complete.
    size_t end = std::string::npos, begin = 0;
    for (const std::string& s : strings) {
      const size_t at = text.find(s);
      if (at != std::string::npos && at + s.size() < end) {
        end = at + s.size();
        begin = at;
      }
    }
    const std::string want =
        end == std::string::npos ? text : text.substr(0, include ? end : begin);
    std::vector<std::string> pieces;
    for (size_t at = 0; at < text.size();) {
      const size_t size = 1 + random() % 4;
      pieces.push_back(text.substr(at, size));
      at += size;
    }
    // Within one piece and across several.
    EXPECT_EQ(run({strings, include}, pieces).text, want) << text;
    EXPECT_EQ(run({strings, include}, {text}).text, want) << text;
  }
}

}  // namespace
}  // namespace vecton::generation
