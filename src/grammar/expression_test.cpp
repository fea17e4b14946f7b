// Expressions, their derivatives and states.
#include "grammar/expression.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "grammar/characters.h"
#include "grammar/dfa.h"
#include "vecton/error.h"

namespace vecton::grammar {
namespace {

TEST(ExpressionTest, EqualExpressionsHaveEqualNumbers) {
  ExpressionPool pool;
  const Expr a = pool.literal("a"), b = pool.literal("b"), ab = pool.literal("ab");
  EXPECT_EQ(pool.concat(a, b), ab);
  EXPECT_EQ(pool.any_of({a, b}), pool.any_of({b, a, kNever}));
  EXPECT_EQ(pool.any_of({a, b}), pool.bytes(ByteSet::range('a', 'b')));
  EXPECT_EQ(pool.all_of({pool.any_of({a, b}), a}), a);
  EXPECT_EQ(pool.all_of({a, b}), kNever);
  EXPECT_EQ(pool.complement(pool.complement(ab)), ab);
  EXPECT_EQ(pool.concat(ab, kNever), kNever);
  EXPECT_EQ(pool.repeat(a, 3, 2), kNever);
  EXPECT_EQ(pool.repeat(pool.repeat(a, 0), 2, 5), pool.repeat(a, 0));
  EXPECT_EQ(pool.repeat(a, 0, 0), kEmptyText);
  EXPECT_EQ(pool.concat(pool.concat(a, b), a), pool.concat(a, pool.concat(b, a)));
}

TEST(ExpressionTest, MatchesByDerivatives) {
  ExpressionPool pool;
  const Expr a = pool.literal("a"), ab = pool.literal("ab");
  const Expr both = pool.all_of(
      {pool.repeat(a, 0), pool.repeat(pool.literal("aa"), 0), pool.complement(kEmptyText)});
  EXPECT_TRUE(pool.matches(both, "aaaa"));
  EXPECT_FALSE(pool.matches(both, "aaa"));
  EXPECT_FALSE(pool.matches(both, ""));
  const Expr counted = pool.repeat(pool.any_of({a, ab}), 2, 3);
  EXPECT_TRUE(pool.matches(counted, "aab"));
  EXPECT_TRUE(pool.matches(counted, "ababab"));
  EXPECT_FALSE(pool.matches(counted, "ab"));
  EXPECT_FALSE(pool.matches(counted, "aaaa"));
  EXPECT_TRUE(pool.matches(pool.complement(ab), "a"));
  EXPECT_FALSE(pool.matches(pool.complement(ab), "ab"));
}

TEST(ExpressionTest, LiteralsShareTheirBeginnings) {
  ExpressionPool pool;
  const Expr e = pool.any_literal({"yes", "yesterday", "no", "yes", ""});
  for (const char* text : {"yes", "yesterday", "no", ""})
    EXPECT_TRUE(pool.matches(e, text)) << text;
  for (const char* text : {"y", "yest", "n", "yesterdayx"})
    EXPECT_FALSE(pool.matches(e, text)) << text;
  EXPECT_EQ(pool.any_literal({}), kNever);
}

TEST(ExpressionTest, CountsMultiples) {
  ExpressionPool pool;
  const Expr seven = pool.multiple_of(7, 0), quarter = pool.multiple_of(25, 2);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(pool.matches(seven, std::to_string(i)), i % 7 == 0) << i;
  for (const char* text : {"1", "0.25", "12.5", "12.50", "3.7500", "7.0"})
    EXPECT_TRUE(pool.matches(quarter, text)) << text;
  for (const char* text : {"0.3", "1.26", "0.251", "x"})
    EXPECT_FALSE(pool.matches(quarter, text)) << text;
}

TEST(ExpressionTest, DeepExpressionsAreRefused) {
  ExpressionPool pool;
  Expr e = kEmptyText;
  EXPECT_THROW(
      {
        for (int i = 0; i < 5000; ++i)
          e = pool.optional(
              pool.concat(pool.optional(pool.byte(static_cast<uint8_t>(i))), pool.repeat(e, 0, 2)));
      },
      Error);
}

TEST(DfaTest, KnowsWhatHasNoText) {
  ExpressionPool pool;
  const Expr evens = pool.repeat(pool.literal("aa"), 0), odd = pool.concat(pool.byte('a'), evens);
  const Expr none = pool.all_of({evens, odd});
  Dfa dfa(pool, {none, evens});
  EXPECT_EQ(dfa.state(none), Dfa::kDead);
  EXPECT_NE(dfa.state(evens), Dfa::kDead);
  const int32_t one = dfa.next(dfa.state(evens), dfa.class_of('a'));
  EXPECT_FALSE(dfa.accepting(one));
  EXPECT_TRUE(dfa.accepting(dfa.next(one, dfa.class_of('a'))));
  EXPECT_EQ(dfa.next(one, dfa.class_of('b')), Dfa::kDead);
  EXPECT_LE(dfa.classes(), 3);
}

TEST(DfaTest, KnowsWhatBeginsLikeAnother) {
  ExpressionPool pool;
  const Expr letters = pool.repeat(pool.bytes(ByteSet::range('a', 'z')), 0);
  const Expr few = pool.repeat(pool.bytes(ByteSet::range('a', 'z')), 0, 8),
             no_q = pool.repeat(pool.bytes(ByteSet::range('a', 'p')), 0);
  Dfa dfa(pool, {letters, few, no_q});
  EXPECT_TRUE(dfa.contains(dfa.state(letters), dfa.state(no_q), 100));
  EXPECT_FALSE(dfa.contains(dfa.state(no_q), dfa.state(letters), 100));
  EXPECT_TRUE(dfa.contains(dfa.state(few), dfa.state(no_q), 8));
  const int32_t later = dfa.next(dfa.state(few), dfa.class_of('a'));
  EXPECT_FALSE(dfa.contains(later, dfa.state(no_q), 8));
}

TEST(DfaTest, WhatLacksAFewTextsBeginsAsItDoesWithThem) {
  ExpressionPool pool;
  const Expr letters = pool.repeat(pool.bytes(ByteSet::range('a', 'z')), 0);
  const Expr few = pool.complement(pool.any_literal({"", "a", "ab", "abc"}));
  const Expr others = pool.all_of({few, letters}),
             name = pool.sequence({pool.byte('"'), others, pool.literal("\":")});
  const Expr begun = pool.derivative(name, '"');
  const Expr quoted =
      pool.repeat(pool.bytes(ByteSet::range('a', 'z') | ByteSet::range('"', '"')), 0);
  Dfa dfa(pool, {letters, name, quoted});
  EXPECT_TRUE(pool.has_text(others));
  EXPECT_FALSE(pool.matches(others, "ab"));
  EXPECT_TRUE(pool.matches(others, "abcd"));
  EXPECT_FALSE(dfa.contains(dfa.state(name), dfa.state(letters), 32));
  EXPECT_TRUE(dfa.contains(dfa.state(begun), dfa.state(letters), 32));
  EXPECT_FALSE(dfa.contains(dfa.state(begun), dfa.state(quoted), 32));
  EXPECT_TRUE(dfa.contains(dfa.state(pool.derivative(begun, 'a')), dfa.state(letters), 32));
  // What has few texts may lack them all.
  const Expr short_ones = pool.repeat(pool.byte('a'), 0, 2);
  EXPECT_FALSE(
      pool.has_text(pool.all_of({pool.complement(pool.any_literal({"", "a", "aa"})), short_ones})));
  EXPECT_FALSE(pool.has_text(pool.all_of({few, pool.complement(letters), letters})));
}

TEST(ByteClassesTest, ApartIsWhatASetHasApart) {
  ByteClasses classes;
  EXPECT_EQ(classes.size(), 1u);
  classes.split(ByteSet::all());
  classes.split(ByteSet{});
  EXPECT_EQ(classes.size(), 1u);
  const std::vector<ByteSet> sets{ByteSet::range('a', 'z'), ByteSet::range('m', 255),
                                  ByteSet::range('x', 'x'), ByteSet::range('a', 'z'),
                                  ByteSet::range(0, 'l')};
  for (const ByteSet& set : sets) classes.split(set);
  EXPECT_EQ(classes.size(), 5u);
  for (unsigned x = 0; x < 256; ++x) {
    for (unsigned y = 0; y < 256; ++y) {
      const auto a = static_cast<uint8_t>(x), b = static_cast<uint8_t>(y);
      const bool alike = std::all_of(sets.begin(), sets.end(),
                                     [&](const ByteSet& set) { return set.has(a) == set.has(b); });
      ASSERT_EQ(classes.of(a) == classes.of(b), alike) << x << " " << y;
    }
  }
  const std::vector<uint8_t> bytes = classes.representatives();
  ASSERT_EQ(bytes.size(), classes.size());
  for (size_t i = 0; i < bytes.size(); ++i) EXPECT_EQ(classes.of(bytes[i]), i);
}

TEST(CharactersTest, EveryCharacterOfASetAndNoOther) {
  const CharacterSet set{{'a', 'c'},        {0x7F, 0x81},         {0x7FF, 0x900}, {0xD000, 0xE001},
                         {0xFFFE, 0x10010}, {0x10FFFF, 0x10FFFF}, {'"', '"'},     {'\n', '\n'}};
  ExpressionPool pool;
  const Expr plain = characters(pool, set, Spelling::kUtf8),
             json = characters(pool, set, Spelling::kJson);
  for (char32_t c = 0; c <= 0x10FFFF; c += c < 0xA00 || (c > 0xFF00 && c < 0x10100) ? 1 : 37) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    if (c < 0x80) {
      text = static_cast<char>(c);
    } else {
      for (int shift = c < 0x800     ? 6
                       : c < 0x10000 ? 12
                                     : 18,
               first = 1;
           shift >= 0; shift -= 6, first = 0)
        text += static_cast<char>(first ? (c < 0x800     ? 0xC0
                                           : c < 0x10000 ? 0xE0
                                                         : 0xF0) |
                                              c >> shift
                                        : 0x80 | (c >> shift & 0x3F));
    }
    EXPECT_EQ(pool.matches(plain, text), set.has(c)) << std::hex << static_cast<uint32_t>(c);
    const bool raw = c >= 0x20 && c != '"' && c != '\\';
    EXPECT_EQ(pool.matches(json, text), raw && set.has(c)) << std::hex << static_cast<uint32_t>(c);
    if (c > 0xFFFF) continue;
    char escape[8];
    std::snprintf(escape, sizeof(escape), "\\u%04X", static_cast<unsigned>(c));
    EXPECT_EQ(pool.matches(json, escape), set.has(c) && (!raw || c > 0x7E)) << escape;
  }
  EXPECT_TRUE(pool.matches(json, "\\ud800\\udc10"));
  EXPECT_FALSE(pool.matches(json, "\\ud800\\udc11"));
  EXPECT_FALSE(pool.matches(json, "\\ud800"));
  EXPECT_TRUE(pool.matches(json, "\\n"));
  EXPECT_TRUE(pool.matches(json, "\\\""));
  EXPECT_FALSE(pool.matches(json, "\\t"));
}

}  // namespace
}  // namespace vecton::grammar
