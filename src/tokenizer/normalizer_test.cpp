#include "tokenizer/normalizer.h"

#include <gtest/gtest.h>

#include "tokenizer/test_json.h"

namespace vecton::tokenizer {

namespace {

using testing_json::Document;
using testing_json::normalized;

constexpr const char* kBert =
    R"({"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,
                                  "strip_accents":null,"lowercase":true})";

TEST(Normalizer, BertLowersCleansAndStrips) {
  EXPECT_EQ(normalized(kBert, "Héllo\tWÖRLD\x01\x7f"), "hello world");
  EXPECT_EQ(normalized(kBert, "中文a"), " 中  文 a");
  EXPECT_EQ(normalized(kBert, "क्षे"), "कष");
  EXPECT_EQ(normalized(kBert, "\uFEFF\u200Bx"), "x");
}

TEST(Normalizer, BertGivesTheSameWithAndWithoutOrigins) {
  for (const char* text : {"Ünïcödé ÅÄÖ", "한국어 İstanbul", "e\u0301\u302e\u0323",
                           "\U0001D15E ΑΎΡΙΟ ﬃ", "\u0344x\u1e69"}) {
    EXPECT_EQ(normalized(kBert, text, true), normalized(kBert, text, false)) << text;
  }
}

TEST(Normalizer, StepsOfASequenceFollowEachOther) {
  const char* steps = R"({"type":"Sequence","normalizers":[{"type":"NFKC"},
      {"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Strip","strip_left":true,"strip_right":false},
      {"type":"Prepend","prepend":"_"}]})";
  EXPECT_EQ(normalized(steps, "\t ﬁ\u3000\n①  "), "_fi 1 ");
  EXPECT_EQ(normalized(steps, "  "), "");
}

TEST(Normalizer, RewritingKeepsOrigins) {
  Text text;
  text.assign("Ab é", 10, true);
  make_normalizer(Document(R"({"type":"NFD"})").field())->apply(text);
  EXPECT_EQ(text.bytes(), "Ab e\u0301");
  EXPECT_EQ(text.origin({3, 4}), (Span{13, 15}));
  EXPECT_EQ(text.origin({4, 6}), (Span{13, 15}));
  make_normalizer(
      Document(R"({"type":"Replace","pattern":{"String":"b "},"content":"--"})").field())
      ->apply(text);
  EXPECT_EQ(text.bytes(), "A--e\u0301");
  EXPECT_EQ(text.origin({1, 3}), (Span{12, 13}));
}

TEST(Normalizer, RefusesWhatItDoesNotKnowByName) {
  try {
    make_normalizer(Document(R"({"type":"Sequence","normalizers":[{"type":"Reverse"}]})").field());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(error.what(),
                 "test.normalizers[0] has the type \"Reverse\", which is not supported");
  }
}

TEST(Normalizer, RefusesToBlowATextUp) {
  const std::string big(1000, 'x');
  const std::string step =
      R"({"type":"Replace","pattern":{"String":"x"},"content":")" + big + R"("})";
  EXPECT_THROW(
      normalized(R"({"type":"Sequence","normalizers":[)" + step + "," + step + "," + step + "]}",
                 "xxx"),
      Error);
}

TEST(Normalizer, RefusesABrokenCharacterMap) {
  for (const char* map : {"", "AAAA", "/////w==", "!"}) {
    const std::string text =
        std::string(R"({"type":"Precompiled","precompiled_charsmap":")") + map + R"("})";
    EXPECT_THROW(make_normalizer(Document(text).field()), Error) << map;
  }
}

TEST(Normalizer, ACharacterMapWithoutATrieReplacesNothing) {
  EXPECT_EQ(normalized(R"({"type":"Precompiled","precompiled_charsmap":"AAAAAA=="})", "aé b"),
            "aé b");
}

TEST(Normalizer, ByteLevelWritesBytes) {
  EXPECT_EQ(normalized(R"({"type":"ByteLevel"})", "aé b"), "aÃ©Ġb");
  EXPECT_EQ(normalized(R"({"type":"ByteLevel"})", "aé b", true), "aÃ©Ġb");
}

}  // namespace

}  // namespace vecton::tokenizer
