#include "base/utf8.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/json_text.h"

namespace vecton::utf8 {
namespace {

using namespace std::string_literals;

// Each maximal part of a character, as Python's bytes.decode("utf-8", "replace") sees it.
const std::pair<std::string, std::string> kRepaired[] = {
    {"a\xff"s
     "b",
     "a\uFFFDb"},
    {"\xe2\x82 x", "\uFFFD x"},
    {"\xf0\x9f\x91", "\uFFFD"},
    {"\xf0\x9f\x91z", "\uFFFDz"},
    {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
    {"\xc0\x80", "\uFFFD\uFFFD"},
    {"\xe0\x9f\xbf", "\uFFFD\uFFFD\uFFFD"},
    {"\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
    {"\xf5\x80", "\uFFFD\uFFFD"},
    {"a\x80", "a\uFFFD"},
    {"\xc3", "\uFFFD"},
    {"12345678\xff"s
     "2345678",
     "12345678\uFFFD2345678"},
};

TEST(Utf8, EveryCodeIsReadAsItWasWritten) {
  for (char32_t code = 0; code <= 0x10FFFF; code += code < 0x1000 ? 1 : 37) {
    if (code >= 0xD800 && code < 0xE000) continue;
    std::string text = "x";
    append(text, code);
    ASSERT_EQ(text.size(), 1 + length(code));
    ASSERT_EQ(length_at(text, 1), length(code));
    const Character c = decode(text, 1);
    ASSERT_TRUE(c.valid) << static_cast<uint32_t>(code);
    ASSERT_TRUE(c.code == code);
    ASSERT_EQ(c.bytes, length(code));
    size_t at = 1;
    ASSERT_TRUE(next(text, at) == code);
    ASSERT_EQ(at, text.size());
    ASSERT_EQ(previous(text, text.size()), 1u);
    ASSERT_TRUE(is_valid(text));
    ASSERT_EQ(is_ascii(text), code < 0x80);
    ASSERT_EQ(count(text), 2u);
  }
}

TEST(Utf8, ReplacesEachMaximalInvalidPart) {
  for (const auto& [bad, repaired] : kRepaired) {
    EXPECT_FALSE(is_valid(bad)) << bad;
    EXPECT_EQ(repair(bad), repaired);
    std::string json;
    base::append_json_string(json, bad);
    EXPECT_EQ(json, '"' + repaired + '"');
  }
  std::vector<uint32_t> origins;
  repair(
      "a\xff"s
      "b",
      &origins);
  EXPECT_EQ(origins, (std::vector<uint32_t>{0, 1, 1, 1, 2, 3}));
}

TEST(Utf8, CutsBetweenCharacters) {
  const std::string text = "aé😀";
  EXPECT_EQ(boundary(text, 1), 1u);
  EXPECT_EQ(boundary(text, 2), 1u);
  EXPECT_EQ(boundary(text, 6), 3u);
  EXPECT_EQ(boundary(text, 7), 7u);
  EXPECT_EQ(boundary(text, 99), 7u);
  EXPECT_EQ(boundary("\x80\x80", 1), 0u);
}

TEST(Utf8, AnUnfinishedTailIsTheStartOfACharacter) {
  EXPECT_EQ(unfinished_tail(""), 0u);
  EXPECT_EQ(unfinished_tail("abc"), 0u);
  EXPECT_EQ(unfinished_tail("é"), 0u);
  EXPECT_EQ(unfinished_tail("a\xc3"), 1u);
  EXPECT_EQ(unfinished_tail("a\xf0\x9f\x91"), 3u);
  EXPECT_EQ(unfinished_tail("a\xff"), 0u);
  EXPECT_EQ(unfinished_tail("a\xed\xa0"), 0u);
}

TEST(JsonText, EscapesWhatMustBe) {
  std::string out = "x";
  base::append_json_string(out,
                           "a\"b\\c\n\t\r\x01\x7f é 😀\0"s
                           "z");
  EXPECT_EQ(out, R"(x"a\"b\\c\n\t\r\u0001\u007f é 😀\u0000z")");
  EXPECT_EQ(base::parse_json(out.substr(1), "text").as_string(),
            "a\"b\\c\n\t\r\x01\x7f é 😀\0"s
            "z");
}

}  // namespace
}  // namespace vecton::utf8
