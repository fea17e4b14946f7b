#include "base/unicode.h"

#include <gtest/gtest.h>

namespace vecton::unicode {

namespace {

std::string text_of(const std::vector<Change>& changes) {
  std::string out;
  for (const Change& change : changes) append(out, change.c);
  return out;
}

TEST(Unicode, ComposesAndDecomposes) {
  EXPECT_EQ(text_of(normalize("e\u0301", Form::kNfc)), "é");
  EXPECT_EQ(text_of(normalize("é", Form::kNfd)), "e\u0301");
  EXPECT_EQ(text_of(normalize("\u1112\u1161\u11ab", Form::kNfc)), "한");
  EXPECT_EQ(text_of(normalize("한", Form::kNfd)), "\u1112\u1161\u11ab");
  EXPECT_EQ(text_of(normalize("ﬁ①", Form::kNfkc)), "fi1");
  EXPECT_EQ(text_of(normalize("ﬁ", Form::kNfc)), "ﬁ");
}

TEST(Unicode, PutsMarksInCanonicalOrder) {
  EXPECT_EQ(text_of(normalize("a\u0301\u0323", Form::kNfd)), "a\u0323\u0301");
  EXPECT_EQ(text_of(normalize("a\u0301\u0323", Form::kNfc)), "ạ\u0301");
}

TEST(Unicode, LeavesCompositionExclusionsDecomposed) {
  EXPECT_EQ(text_of(normalize("\u0958", Form::kNfc)), "\u0915\u093c");
  EXPECT_EQ(text_of(normalize("\u212b", Form::kNfc)), "Å");
}

TEST(Unicode, ChangesCountWhatEachCharacterStandsFor) {
  const std::vector<Change> composed = normalize("xe\u0301y", Form::kNfc);
  ASSERT_EQ(composed.size(), 3u);
  EXPECT_EQ(composed[1].change, -1);
  const std::vector<Change> decomposed = normalize("é", Form::kNfd);
  EXPECT_EQ(decomposed[0].change, 0);
  EXPECT_EQ(decomposed[1].change, 1);
}

TEST(Unicode, QuickCheckIsSureOnlyOfYes) {
  EXPECT_TRUE(is_normal("plain naïve 中文", Form::kNfc));
  EXPECT_FALSE(is_normal("e\u0301", Form::kNfc));
  EXPECT_FALSE(is_normal("é", Form::kNfd));
  EXPECT_FALSE(is_normal("ﬁ", Form::kNfkc));
  EXPECT_TRUE(is_normal("ﬁ", Form::kNfc));
}

TEST(Unicode, LowersCase) {
  char32_t second;
  EXPECT_EQ(to_lowercase(U'Σ', second), U'σ');
  EXPECT_EQ(second, 0u);
  EXPECT_EQ(to_lowercase(0x130, second), U'i');
  EXPECT_EQ(second, char32_t{0x307});
}

TEST(Unicode, KnowsCategories) {
  EXPECT_TRUE(in_categories(U'é', kLetters));
  EXPECT_TRUE(in_categories(U'٣', kNumbers));
  EXPECT_TRUE(in_categories(0x301, kMarks));
  EXPECT_TRUE(in_categories(U'—', kPunctuation));
  EXPECT_TRUE(is_white_space(0x3000));
  EXPECT_TRUE(is_bert_punctuation('$'));
  EXPECT_FALSE(is_bert_punctuation(U'€'));
  EXPECT_EQ(properties(0xFFFFFFFF) & 31, static_cast<uint16_t>(kCn));
}

TEST(Unicode, JoinsShortGraphemes) {
  EXPECT_TRUE(in_one_grapheme('\r', '\n'));
  EXPECT_TRUE(in_one_grapheme('a', 0x301));
  EXPECT_TRUE(in_one_grapheme(0x600, 'a'));
  EXPECT_TRUE(in_one_grapheme(0xA0, 0x1AE4));
  EXPECT_FALSE(in_one_grapheme('a', 'b'));
  EXPECT_FALSE(in_one_grapheme('\n', 0x301));
  EXPECT_FALSE(in_one_grapheme(0x200B, 0x301));
}

}  // namespace

}  // namespace vecton::unicode
