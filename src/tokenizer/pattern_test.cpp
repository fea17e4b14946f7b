#include "tokenizer/pattern.h"

#include <gtest/gtest.h>

#include <random>

#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

const char* const kExpressions[] = {
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"(\p{N}{1,3})",
    "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"(\s+$)",
};

std::vector<std::string> parts(const Pattern& pattern, std::string_view text) {
  std::vector<Span> matches;
  pattern.find_all(text, matches);
  std::vector<std::string> out;
  for (const Span span : matches) out.emplace_back(text.substr(span.begin, span.end - span.begin));
  return out;
}

std::string random_text(std::mt19937& random) {
  static constexpr const char* kPieces[] = {
      "a",      "B",  "é",  "É",  "ǅ",  "ʰ",  "中",     "\u0301", "\u093e", "1", "٣",
      "½",      " ",  " ",  "\t", "\n", "\r", "\u00a0", "\u3000", "'",      "s", "S",
      "ſ",      "re", "LL", "'d", "/",  "!",  "_",      "\u200d", "😀",      "ß", "Ⅷ",
      "\u0085", "vE", "T",  "€",  "^",  "か", "ー",     "\u200b", "\x01"};
  std::string text;
  for (int n = std::uniform_int_distribution<int>(1, 14)(random); n > 0; --n) {
    text += kPieces[std::uniform_int_distribution<size_t>(0, std::size(kPieces) - 1)(random)];
  }
  return text;
}

// The matchers written by hand give what the expressions give.
TEST(KnownPattern, MatchesAsItsExpressionDoes) {
  std::mt19937 random(1);
  for (const char* expression : kExpressions) {
    const auto known = make_known_pattern(expression);
    ASSERT_TRUE(known) << expression;
    const auto regex = make_regex(expression, "test");
    for (int i = 0; i < 5000; ++i) {
      const std::string text = random_text(random);
      ASSERT_EQ(parts(*known, text), parts(*regex, text)) << expression << "\n" << text;
    }
  }
}

// What Oniguruma gives.
TEST(RegexPattern, SetsOfSetsDigitsAndGraphemes) {
  const auto of = [](std::string_view expression, std::string_view text) {
    return parts(*make_regex(expression, "test"), text);
  };
  using Parts = std::vector<std::string>;
  EXPECT_EQ(of(R"(\h+)", "0xBEEF g"), (Parts{"0", "BEEF"}));
  EXPECT_EQ(of(R"([^\h]+)", "0xBEEF g"), (Parts{"x", " g"}));
  EXPECT_EQ(of(R"([\H])", "ag"), (Parts{"g"}));
  EXPECT_EQ(of("[a-z&&[^aeiou]]+", "hello bcd"), (Parts{"h", "ll", "bcd"}));
  EXPECT_EQ(of("[^a-z&&[^aeiou]]+", "heLLo!"), (Parts{"eLLo!"}));
  EXPECT_EQ(of("[[a-c][x-z]]+", "abxyzd"), (Parts{"abxyz"}));
  EXPECT_EQ(of("[^[a-c]d]", "ade"), (Parts{"e"}));
  EXPECT_EQ(of(R"([\w&&\p{Lu}]+)", "aÉB1"), (Parts{"ÉB"}));
  EXPECT_EQ(of(R"([^\W\d]+)", "ab1 c"), (Parts{"ab", "c"}));
  EXPECT_EQ(of("[a&b]+", "a&b"), (Parts{"a&b"}));
  EXPECT_EQ(of(R"(\X)", "e\u0301\r\n👍🏽👍🏽👨‍👩‍👧"),
            (Parts{"e\u0301", "\r\n", "👍🏽", "👍🏽", "👨‍👩‍👧"}));
}

TEST(RegexPattern, RefusesByName) {
  for (const char* expression : {"[&&a]", "[a&&]", "[]a]", "[a", R"(\R)", R"([\X])"})
    EXPECT_THROW((void)make_regex(expression, "test"), Error) << expression;
}

TEST(KnownPattern, LongRunsTakeLinearTime) {
  for (const char* expression : kExpressions) {
    std::vector<Span> matches;
    for (const char* run : {" ", "\n", "a", "!", "1", "\u0301", " \n"}) {
      std::string text;
      while (text.size() < 1'000'000) text += run;
      make_known_pattern(expression)->find_all(text + "x", matches);
    }
  }
}

TEST(Regex, RunsAsLongAsTheTextAreWalkedBack) {
  const auto regex = make_regex(R"(\s*[\r\n]+|\s+(?!\S))", "test");
  std::vector<Span> matches;
  regex->find_all(std::string(3'000'000, ' ') + "x", matches);
  EXPECT_EQ(matches, (std::vector<Span>{{0, 2'999'999}}));
}

TEST(KnownPattern, OthersAreNotKnown) { EXPECT_FALSE(make_known_pattern(R"(\s+)")); }

TEST(Regex, ReadsTheSetsOfTheReference) {
  using Parts = std::vector<std::string>;
  EXPECT_EQ(parts(*make_regex(R"(\w+)", "test"), "ab_1² x\u0301-٣"),
            (Parts{"ab_1²", "x\u0301", "٣"}));
  EXPECT_EQ(parts(*make_regex(R"([^\s]+)", "test"), "a\u0085b\u180ec"), (Parts{"a", "b\u180ec"}));
  EXPECT_EQ(parts(*make_regex(R"(\bé)", "test"), "é aé"), (Parts{"é"}));
  EXPECT_EQ(parts(*make_regex(R"(\P{L}+)", "test"), "a12b"), (Parts{"12"}));
}

TEST(Regex, EmptyMatchesMoveOn) {
  EXPECT_EQ(parts(*make_regex("x*", "test"), "é\u4e00").size(), 3u);
}

TEST(Regex, RefusesWhatMeansSomethingElse) {
  for (const char* expression :
       {R"(\R)", "[a&&]", "[a[b", "(?m:.)", "(", R"(\K)", "[a", R"(\p)", R"(\)", "(?<n>a)"}) {
    EXPECT_THROW(make_regex(expression, "test"), Error) << expression;
  }
}

TEST(Regex, BacktrackingIsBounded) {
  const auto regex = make_regex("(a+)+[bc]", "test");
  std::vector<Span> matches;
  EXPECT_THROW(regex->find_all(std::string(200, 'a'), matches), Error);
}

// Each place where a match may start stays under the limit of steps; all together take too long.
TEST(Regex, ManyFailingStartsAreBounded) {
  const auto regex = make_regex("(a?){17}[bc]", "test");
  std::vector<Span> matches;
  EXPECT_THROW(regex->find_all(std::string(100'000, 'a'), matches), Error);
}

TEST(Regex, FindsMatchesFarApart) {
  const auto regex = make_regex("é+x", "test");
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "éaé";
  std::vector<Span> matches;
  regex->find_all(text + "éx" + text + "x", matches);
  EXPECT_EQ(matches, (std::vector<Span>{{4998, 5003}, {10001, 10004}}));
}

TEST(Literal, FindsFromLeftToRight) {
  EXPECT_EQ(parts(*make_literal("aa"), "aaaaa"), (std::vector<std::string>{"aa", "aa"}));
  EXPECT_TRUE(parts(*make_literal(""), "abc").empty());
}

}  // namespace

}  // namespace vecton::tokenizer
