// Regular expressions of requests.
#include "grammar/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vecton/error.h"

namespace vecton::grammar {
namespace {

using ::testing::HasSubstr;

struct RegexCase {
  const char* pattern;
  std::vector<std::string> yes, no;
};

void check(const std::vector<RegexCase>& cases, Match match) {
  for (const auto& [pattern, yes, no] : cases) {
    ExpressionPool pool;
    const Expr e = parse_regex(pool, pattern, match, Spelling::kUtf8, "regex");
    for (const std::string& text : yes)
      EXPECT_TRUE(pool.matches(e, text)) << pattern << " | " << text;
    for (const std::string& text : no)
      EXPECT_FALSE(pool.matches(e, text)) << pattern << " | " << text;
  }
}

TEST(RegexTest, MatchesTheWhole) {
  check({{"", {""}, {"a"}},
         {"a|bc|", {"a", "bc", ""}, {"abc"}},
         {"(ab)+?c*", {"ab", "ababcc"}, {"", "c"}},
         {"a{2}b{0,1}c{2,}", {"aacc", "aabccc"}, {"acc", "aabbcc"}},
         {"a{,2}", {"", "a", "aa"}, {"aaa"}},
         {"x{a}", {"x{a}"}, {"xa"}},
         {"[a-c^-]+", {"a^-"}, {"d"}},
         {"[^a-c]", {"d", "é", "\n"}, {"a", ""}},
         {".", {"é", "😀", "\t"}, {"\n", "\r", "\u2028", "\xff"}},
         {R"(\d\D\w\W\s\S)", {"1a_- x"}, {"aa_- x"}},
         {R"([\d\s]+[^\w])", {"1 2-"}, {"1a"}},
         {R"(\x41\u00e9\u{1F600}\ud83d\ude00\n\t\/\.\$)", {"Aé😀😀\n\t/.$"}, {}},
         {"(?:a)(?<n>b)(?P<m>c)", {"abc"}, {}},
         {"^a$", {"a"}, {"a\n", ""}},
         {"(?i)aB", {"Ab", "AB"}, {"a"}},
         {"(?=a).b", {"ab"}, {"cb"}},
         {"(?!a)[a-c]{2}", {"ba"}, {"ab"}},
         {"(?!.*aa)[ab]*", {"abab", ""}, {"baab"}}},
        Match::kWhole);
}

TEST(RegexTest, SearchesUnlessAnchored) {
  check({{"b", {"abc", "b"}, {"a", ""}},
         {"^b", {"bc"}, {"ab"}},
         {"b$", {"ab"}, {"bc", "b\n"}},
         {"^a|b$|x", {"ac", "cb", "1x1"}, {"ca", "bc"}},
         {"^(a|b$)", {"ac", "b"}, {"bc"}},
         {"(^a)?b", {"b", "xb", "ab"}, {"a"}},
         {"a$^b|c", {"c"}, {"ab"}},
         {"\n", {"a\nb"}, {"a"}},
         {"^(?=.*[A-Z])(?=.*[0-9]).{3,}$", {"aA1", "1xA"}, {"aA", "aaa1"}}},
        Match::kSearch);
}

TEST(RegexTest, LooksAround) {
  check({{R"(\bab\b)", {"ab", "x ab!", "é ab"}, {"xab", "ab1", "éa b"}},
         {R"(a\Bb|\B-\B)", {"ab", "-", " - "}, {"a-b", "a b"}},
         {"^a*^b", {"b"}, {"ab"}},
         {"(?<=a)b|(?<![a-c])d", {"ab", "d", "xd"}, {"b", "ad", "bd"}},
         {"^[a-z-]+(?<!-)$", {"a", "a-b"}, {"a-", "-"}},
         {"^(?!^a|b).", {"c", "ca"}, {"a", "b"}},
         {"^((?!ab).)*$", {"", "a", "ba"}, {"aab", "ab"}}},
        Match::kSearch);
  check({{"((?!ab).)*", {"", "a", "ba", "b", "acb"}, {"ab", "aab", "cabc"}},
         {"(a(?!a)|b)+", {"a", "ab", "abab"}, {"aa", "baa", ""}},
         {R"(([a-z]+\b ?)*)", {"", "ab", "ab cd"}, {"ab  cd", " "}},
         {"(?=(?!a).)[ab]", {"b"}, {"a"}}},
        Match::kWhole);
}

TEST(RegexTest, WhatIsNotTakenIsNamed) {
  const std::pair<const char*, const char*> cases[] = {{R"((a)\1)", "\\1 is not taken"},
                                                       {R"(\p{Greek})", "\\p{Greek} is not taken"},
                                                       {"(?<=ab)b", "lookbehind"},
                                                       {"((?=a)b*)+", "may be empty"},
                                                       {"((?=a)b){20}", "more than 16 times"},
                                                       {"a*+", "possessive"},
                                                       {"[[:alpha:]]", "[:alpha:]"},
                                                       {"(?>a)", "groups of this kind"}};
  for (const auto& [pattern, message] : cases) {
    ExpressionPool pool;
    try {
      parse_regex(pool, pattern, Match::kSearch, Spelling::kUtf8, "regex");
      ADD_FAILURE() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << pattern;
      EXPECT_THAT(error.what(), HasSubstr(message)) << pattern;
    }
  }
}

TEST(RegexTest, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> cases[] = {{"(a", "a ( without its )"},
                                                       {"a)", "a ) without its ("},
                                                       {"[a", "a [ without its ]"},
                                                       {"*a", "nothing to repeat"},
                                                       {"a**", "nothing to repeat"},
                                                       {"^*", "nothing to repeat"},
                                                       {"a{3,2}", "go backwards"},
                                                       {"[b-a]", "goes backwards"},
                                                       {"a\\", "ends in a backslash"},
                                                       {R"(\x4)", "hexadecimal"},
                                                       {R"(\u{110000})", "no character"},
                                                       {"[]", "an empty class"},
                                                       {"\xff", "not UTF-8"}};
  for (const auto& [pattern, message] : cases) {
    ExpressionPool pool;
    try {
      parse_regex(pool, pattern, Match::kWhole, Spelling::kUtf8, "regex");
      ADD_FAILURE() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << pattern;
      EXPECT_THAT(error.what(), HasSubstr(message)) << pattern;
    }
  }
  ExpressionPool pool;
  EXPECT_THROW(parse_regex(pool, std::string(200, '(') + std::string(200, ')'), Match::kWhole,
                           Spelling::kUtf8, "regex"),
               Error);
}

}  // namespace
}  // namespace vecton::grammar
