#include "tokenizer/pre_tokenizer.h"

#include <gtest/gtest.h>

#include "tokenizer/byte_level.h"
#include "tokenizer/test_json.h"

namespace vecton::tokenizer {

namespace {

using testing_json::Document;
using testing_json::words;
using Strings = std::vector<std::string>;

TEST(PreTokenizer, BertSplitsOnSpaceAndPunctuation) {
  EXPECT_EQ(words(R"({"type":"BertPreTokenizer"})", " it's  «ok»\u3000x"),
            (Strings{"it", "'", "s", "«", "ok", "»", "x"}));
  EXPECT_TRUE(words(R"({"type":"BertPreTokenizer"})", " \n").empty());
}

TEST(PreTokenizer, SplitBehaviors) {
  const auto split = [](const std::string& behavior, const char* invert) {
    return words(R"({"type":"Split","pattern":{"String":"-"},"behavior":")" + behavior +
                     R"(","invert":)" + invert + "}",
                 "the-final--countdown-");
  };
  EXPECT_EQ(split("Removed", "false"), (Strings{"the", "final", "countdown"}));
  EXPECT_EQ(split("Isolated", "false"), (Strings{"the", "-", "final", "-", "-", "countdown", "-"}));
  EXPECT_EQ(split("MergedWithPrevious", "false"), (Strings{"the-", "final-", "-", "countdown-"}));
  EXPECT_EQ(split("MergedWithNext", "false"), (Strings{"the", "-final", "-", "-countdown", "-"}));
  EXPECT_EQ(split("Contiguous", "false"), (Strings{"the", "-", "final", "--", "countdown", "-"}));
  EXPECT_EQ(split("Removed", "true"), (Strings{"-", "-", "-", "-"}));
}

TEST(PreTokenizer, ByteLevelWritesBytesAsCharacters) {
  EXPECT_EQ(words(R"({"type":"ByteLevel","add_prefix_space":true})", "Hi you\né"),
            (Strings{"ĠHi", "Ġyou", "Ċ", "Ã©"}));
  EXPECT_EQ(words(R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":false})", "a b"),
            (Strings{"aĠb"}));
}

TEST(PreTokenizer, ByteLevelAlphabetGoesBothWays) {
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(byte_level_byte(byte_level_character(static_cast<uint8_t>(byte))), byte);
  }
  EXPECT_EQ(byte_level_byte(U'中'), -1);
  EXPECT_EQ(byte_level_byte(' '), -1);
}

TEST(PreTokenizer, MetaspacePrepends) {
  EXPECT_EQ(
      words(R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true})",
            "Hey  you"),
      (Strings{"▁Hey", "▁", "▁you"}));
  EXPECT_EQ(
      words(R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":false})",
            "a b"),
      (Strings{"a▁b"}));
  const char* first = R"({"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},
      {"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true}]})";
  EXPECT_EQ(words(first, "a b"), (Strings{"▁a", "b"}));
}

TEST(PreTokenizer, SplitsWordsDigitsAndScripts) {
  EXPECT_EQ(words(R"({"type":"Whitespace"})", "a_1 +- b"), (Strings{"a_1", "+-", "b"}));
  EXPECT_EQ(words(R"({"type":"Digits","individual_digits":true})", "a12b"),
            (Strings{"a", "1", "2", "b"}));
  EXPECT_EQ(words(R"({"type":"Digits","individual_digits":false})", "a12b"),
            (Strings{"a", "12", "b"}));
  EXPECT_EQ(words(R"({"type":"Punctuation","behavior":"Removed"})", "a,b"), (Strings{"a", "b"}));
  EXPECT_EQ(words(R"({"type":"UnicodeScripts"})", "どこで生れ。Yes"),
            (Strings{"どこで生れ", "。", "Yes"}));
}

TEST(PreTokenizer, DelimiterAndFixedLength) {
  EXPECT_EQ(words(R"({"type":"CharDelimiterSplit","delimiter":"-"})", "a-é--b-"),
            (Strings{"a", "é", "b"}));
  EXPECT_EQ(words(R"({"type":"FixedLength","length":3})", "aébcdefgh"),
            (Strings{"aéb", "cde", "fgh"}));
  EXPECT_EQ(words(R"({"type":"FixedLength"})", "abcdef"), (Strings{"abcde", "f"}));
}

TEST(PreTokenizer, RefusesWhatItDoesNotKnowByName) {
  EXPECT_THROW(words(R"({"type":"Other"})", "a"), Error);
  EXPECT_THROW(words(R"({"type":"CharDelimiterSplit"})", "a"), Error);
  EXPECT_THROW(words(R"({"type":"CharDelimiterSplit","delimiter":"ab"})", "a"), Error);
  EXPECT_THROW(words(R"({"type":"FixedLength","length":0})", "a"), Error);
  EXPECT_THROW(words(R"({"type":"Split","pattern":{"String":"-"},"behavior":"Both"})", "a"), Error);
  EXPECT_THROW(words(R"({"type":"Metaspace","replacement":"ab"})", "a"), Error);
}

TEST(PreTokenizer, FindsItsLastStep) {
  EXPECT_TRUE(
      ends_in_byte_level(Document(R"({"type":"Sequence","pretokenizers":[{"type":"Whitespace"},
                                              {"type":"ByteLevel"}]})")
                             .field()));
  EXPECT_FALSE(ends_in_byte_level(Document(R"({"type":"Sequence","pretokenizers":[]})").field()));
}

}  // namespace

}  // namespace vecton::tokenizer
