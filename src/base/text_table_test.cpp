// UTF-8 against the table of well-formed sequences (Unicode, table 3-7), and JSON beside Python's:
// what json.loads takes and refuses, and strings there and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/json_text.h"
#include "base/python_json.h"
#include "base/utf8.h"
#include "vecton/error.h"

namespace vecton::base {
namespace {

// --- UTF-8.

struct Sequence {
  int first_low, first_high, second_low, second_high, length;
};

// Bytes after the second are 80 .. BF.
constexpr Sequence kWellFormed[] = {{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
                                    {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
                                    {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
                                    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};

struct Part {
  size_t bytes;
  bool valid;
};

// The character, or the maximal part of one, at the beginning of `text`.
Part part_of(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {1, true};
  for (const Sequence& row : kWellFormed) {
    if (byte(0) < row.first_low || byte(0) > row.first_high) continue;
    if (text.size() < 2 || byte(1) < row.second_low || byte(1) > row.second_high) return {1, false};
    size_t bytes = 2;
    while (bytes < static_cast<size_t>(row.length) && bytes < text.size() && byte(bytes) >= 0x80 &&
           byte(bytes) <= 0xBF)
      ++bytes;
    return {bytes, bytes == static_cast<size_t>(row.length)};
  }
  return {1, false};
}

void check(std::string_view text) {
  const utf8::Character found = utf8::decode(text, 0);
  const Part expected = part_of(text);
  ASSERT_EQ(found.valid, expected.valid) << testing::PrintToString(std::string(text));
  ASSERT_EQ(found.bytes, expected.bytes) << testing::PrintToString(std::string(text));
}

TEST(Utf8Table, EveryPairOfBytes) {
  for (int a = 0; a < 256; ++a) {
    check(std::string(1, static_cast<char>(a)));
    for (int b = 0; b < 256; ++b) check(std::string{static_cast<char>(a), static_cast<char>(b)});
  }
}

TEST(Utf8Table, LongerSequencesAtTheirEdges) {
  const int edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1,
                       0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xF8, 0xFF};
  for (int lead = 0xC0; lead < 256; ++lead) {
    for (const int second : edges) {
      for (const int third : edges) {
        const std::string three = {static_cast<char>(lead), static_cast<char>(second),
                                   static_cast<char>(third)};
        check(three);
        for (const int fourth : edges) check(three + static_cast<char>(fourth));
      }
    }
  }
}

std::string random_bytes(std::mt19937& random) {
  static constexpr unsigned char kBytes[] = {'a',  '"',  '\\', '\n', 0x00, 0x1F, 0x7F, 0x80,
                                             0xBF, 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0, 0x9F,
                                             0x98, 0x80, 0xED, 0xA0, 0xF4, 0x90, 0xFF, 0xFE};
  std::string text;
  for (size_t n = random() % 30; n > 0; --n)
    text += static_cast<char>(kBytes[random() % std::size(kBytes)]);
  return text;
}

TEST(Utf8Table, RepairedTextsAreWholeAndCountTheSame) {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = random_bytes(random);
    std::string expected;
    bool valid = true;
    for (size_t at = 0; at < text.size();) {
      const Part part = part_of(std::string_view(text).substr(at));
      valid &= part.valid;
      expected += part.valid ? text.substr(at, part.bytes) : std::string(utf8::kReplacementBytes);
      at += part.bytes;
    }
    std::vector<uint32_t> origins;
    const std::string repaired = utf8::repair(text, &origins);
    ASSERT_EQ(repaired, expected);
    ASSERT_EQ(utf8::is_valid(text), valid);
    ASSERT_TRUE(utf8::is_valid(repaired));
    ASSERT_EQ(origins.size(), repaired.size() + 1);
    ASSERT_EQ(origins.back(), text.size());
    ASSERT_TRUE(std::ranges::is_sorted(origins));
    ASSERT_EQ(utf8::repair(repaired), repaired);
  }
}

// What is cut off at the end may become a character: nothing else is held back.
TEST(Utf8Table, AnUnfinishedTailBecomesACharacter) {
  for (const std::string_view whole : {"é", "€", "😀", "\U0010FFFF", "\u0800", "\U00010000"}) {
    for (size_t cut = 1; cut < whole.size(); ++cut) {
      const std::string text = "x" + std::string(whole.substr(0, cut));
      EXPECT_EQ(utf8::unfinished_tail(text), cut) << testing::PrintToString(text);
    }
    EXPECT_EQ(utf8::unfinished_tail(whole), 0u);
  }
  std::mt19937 random(2);
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = random_bytes(random);
    const size_t tail = utf8::unfinished_tail(text);
    ASSERT_LT(tail, 4u);
    bool completed = tail == 0;
    for (const std::string end :
         {"\x80", "\x80\x80", "\x80\x80\x80", "\xA0", "\xA0\x80", "\x90\x80\x80", "\xBF"})
      completed |= utf8::is_valid(text.substr(text.size() - tail) + end);
    ASSERT_TRUE(completed) << testing::PrintToString(text);
  }
}

// --- JSON.

TEST(JsonTable, StringsReadBackAsTheyWere) {
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = random_bytes(random);
    std::string written;
    append_json_string(written, text);
    ASSERT_EQ(parse_json(written, "test").as_string(), utf8::repair(text));
    for (const char c : written) ASSERT_GE(static_cast<unsigned char>(c), 0x20u);
  }
}

// Python 3's json.loads, and what it makes of them.
const std::pair<const char*, const char*> kTaken[] = {
    {"1", "1"},
    {"-0", "0"},
    {"1.5e3", "1.5E3"},
    {"[]", "[]"},
    {"{}", "{}"},
    {"null", "null"},
    {"true", "true"},
    {R"("a")", R"("a")"},
    {" [1 , 2 ] ", "[1,2]"},
    {R"({"a":{"b":[1,2,{"c":null}]}})", R"({"a":{"b":[1,2,{"c":null}]}})"},
    {R"("\u00e9\n\t\"\\\/\b\f\r")", R"("é\n\t\"\\/\b\f\r")"},
    {R"("\ud83d\ude00")", R"("😀")"},
    {"12345678901234567890", "12345678901234567890"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"[[[[[[[[1]]]]]]]]", "[[[[[[[[1]]]]]]]]"},
    {R"({"a":1,"a":2})", R"({"a":2})"},
};

const char* const kRefused[] = {
    "[1,2",     "[1,]",       R"({"a":1,})",      "{a:1}",     "{'a':1}", "01",   "+1",     "1.",
    ".5",       R"("\x41")",  R"("\u12")",        "[1 2]",     "",        "  ",   "nul",    "True",
    "\"a\nb\"", R"({"a" 1})", R"({"a":1 "b":2})", "1 2",       "{}{}",    "[1]x", "\"\t\"", "NaNs",
    "--1",      "1e",         "Infinit",          "[Infinity", "\"\\",    "]",    ",",      ":",
    "\"a",      "{\"a\":}"};

TEST(JsonTable, WhatPythonTakesIsTaken) {
  for (const auto& [text, meaning] : kTaken) {
    EXPECT_EQ(json::serialize(parse_json(text, "test")), meaning) << text;
    for (const BadBytes bad : {BadBytes::kRefuse, BadBytes::kReplace})
      EXPECT_EQ(json::serialize(parse_python_json(text, "test", bad)), meaning) << text;
  }
  EXPECT_TRUE(std::isinf(
      parse_python_json("[NaN, -Infinity]", "test", BadBytes::kReplace).at(1).as_double()));
}

TEST(JsonTable, WhatPythonRefusesIsRefused) {
  for (const char* text : kRefused) {
    EXPECT_THROW(parse_json(text, "test"), Error) << text;
    for (const BadBytes bad : {BadBytes::kRefuse, BadBytes::kReplace}) {
      try {
        parse_python_json(text, "body", bad);
        ADD_FAILURE() << text;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << text;
        EXPECT_THAT(error.what(), testing::StartsWith("body")) << text;
      }
    }
  }
}

// What only Python writes is not JSON.
TEST(JsonTable, WhatIsPythonsAloneIsNotJson) {
  for (const char* text : {"NaN", "[Infinity]", "-Infinity", R"("\ud800x")", R"("\udc00")"}) {
    EXPECT_THROW(parse_json(text, "test"), Error) << text;
    EXPECT_NO_THROW(parse_python_json(text, "test", BadBytes::kReplace)) << text;
  }
}

TEST(JsonTable, NestingIsBounded) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NO_THROW(parse_json(nested(30), "test"));
  for (const size_t depth : {100'000, 5'000'000}) {
    EXPECT_THROW(parse_json(nested(depth), "test"), Error);
    EXPECT_THROW(parse_python_json(nested(depth), "test", BadBytes::kReplace), Error);
  }
}

// Random texts of JSON's letters: taken or refused, and the same by both readers where there is
// nothing of Python's in them.
TEST(JsonTable, AnyTextIsTakenOrRefused) {
  static constexpr std::string_view kLetters = "[]{}:,\"\\u0ad8e1.-+ nulltrue\n";
  std::mt19937 random(4);
  int taken = 0;
  for (int round = 0; round < 60'000; ++round) {
    std::string text;
    for (size_t n = 1 + random() % 8; n > 0; --n) text += kLetters[random() % kLetters.size()];
    std::string plain, python;
    try {
      plain = json::serialize(parse_json(text, "test"));
      ++taken;
    } catch (const Error&) {
    }
    try {
      python = json::serialize(parse_python_json(text, "test", BadBytes::kReplace));
    } catch (const Error&) {
    }
    if (!plain.empty() || text.find("\\ud") == std::string::npos) {
      ASSERT_EQ(python, plain) << text;
    }
  }
  EXPECT_GT(taken, 100);
}

}  // namespace
}  // namespace vecton::base
