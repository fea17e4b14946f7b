// Small parts that tokenizers are made of, against what they must be equal to: Python's base64, the
// standard library's searches and sorted containers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "base/base64.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/literal_replacer.h"
#include "tokenizer/merge_buckets.h"
#include "tokenizer/text.h"
#include "tokenizer/trie.h"
#include "tokenizer/word_cache.h"

namespace vecton::tokenizer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// base64.b64encode of Python.
TEST(Base64, IsPythons) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"a", "YQ=="},
      {"ab", "YWI="},
      {"abc", "YWJj"},
      {"abcd", "YWJjZA=="},
      {"hello world", "aGVsbG8gd29ybGQ="},
      {"\xff\xfe\xfd", "//79"},
      {"\xfb\xef\xbe", "++++"},
      {std::string_view("\0\0\0", 3), "AAAA"},
      {"\xc3\xa9\xe6\x9d\xb1", "w6nmnbE="},
  };
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(base::encode_base64(bytes), text);
    EXPECT_EQ(base::decode_base64(text), bytes);
  }
}

TEST(Base64, GoesBothWaysForAnyBytes) {
  std::mt19937 random(1);
  for (size_t size = 0; size < 100; ++size) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(random() & 0xff);
    const std::string text = base::encode_base64(bytes);
    EXPECT_EQ(text.size(), (size + 2) / 3 * 4);
    EXPECT_EQ(base::decode_base64(text), bytes);
  }
}

TEST(Base64, SkipsPaddingAndLineEndsAndNothingElse) {
  EXPECT_EQ(base::decode_base64("YWJj\nZA"), "abcd");
  EXPECT_EQ(base::decode_base64("YQ=="), "a");
  for (const char* text : {"YQ ==", "YW-j", "YW_j", "YWJj\r\n", "é", "*"})
    EXPECT_EQ(base::decode_base64(text), std::nullopt) << text;
}

// GPT-2's bytes_to_unicode: printable bytes are themselves, the others follow from U+0100 on.
TEST(ByteLevel, IsGpt2s) {
  EXPECT_EQ(byte_level_character(' '), U'Ġ');
  EXPECT_EQ(byte_level_character('\n'), U'Ċ');
  EXPECT_EQ(byte_level_character('\t'), U'ĉ');
  EXPECT_EQ(byte_level_character(0), U'Ā');
  EXPECT_EQ(byte_level_character('A'), U'A');
  EXPECT_EQ(byte_level_character(0x7f), U'ġ');
  EXPECT_EQ(byte_level_character(0xad), U'Ń');
  EXPECT_EQ(byte_level_character(0xff), U'ÿ');
  std::set<char32_t> different;
  for (int byte = 0; byte < 256; ++byte)
    different.insert(byte_level_character(static_cast<uint8_t>(byte)));
  EXPECT_EQ(different.size(), 256u);
  EXPECT_EQ(*different.rbegin(), char32_t{0x143});
}

TEST(ByteLevel, OtherCharactersStandForNoByte) {
  for (const char32_t c : {U'\u00ad', U'\u0144', U'中', U'\U0010ffff', U'\n'})
    EXPECT_EQ(byte_level_byte(c), -1) << static_cast<uint32_t>(c);
}

std::vector<std::pair<size_t, int32_t>> found(const Trie& trie, std::string_view text, size_t at) {
  std::vector<std::pair<size_t, int32_t>> all;
  trie.walk(text, at, [&](size_t end, int32_t value) { all.emplace_back(end, value); });
  return all;
}

TEST(Trie, FindsTheShortestFirst) {
  Trie trie;
  trie.build({{"a", 1}, {"abc", 3}, {"ab", 2}, {"b", 4}});
  EXPECT_THAT(found(trie, "xabcd", 1),
              ElementsAre(std::pair(2u, 1), std::pair(3u, 2), std::pair(4u, 3)));
  EXPECT_THAT(found(trie, "xabcd", 2), ElementsAre(std::pair(3u, 4)));
  EXPECT_THAT(found(trie, "xabcd", 0), IsEmpty());
  EXPECT_THAT(found(trie, "ab", 0), ElementsAre(std::pair(1u, 1), std::pair(2u, 2)));
}

TEST(Trie, EndsOfTextsAndEmptyOnes) {
  Trie trie;
  EXPECT_TRUE(trie.empty());
  EXPECT_THAT(found(trie, "a", 0), IsEmpty());
  trie.build({});
  EXPECT_TRUE(trie.empty());
  trie.build({{"", 7}});
  EXPECT_TRUE(trie.empty());
  trie.build({{"a", 1}});
  EXPECT_FALSE(trie.empty());
  EXPECT_THAT(found(trie, "a", 1), IsEmpty());
  EXPECT_THAT(found(trie, "", 0), IsEmpty());
}

TEST(Trie, OfEqualKeysTheLastCounts) {
  Trie trie;
  trie.build({{"key", 1}, {"other", 5}, {"key", 2}});
  EXPECT_THAT(found(trie, "key", 0), ElementsAre(std::pair(3u, 2)));
}

TEST(Trie, KeysAreBytes) {
  Trie trie;
  const std::string nul("\0\xff", 2);
  trie.build({{nul, 1}, {"\x80", 2}, {"é", 3}});
  EXPECT_THAT(found(trie, nul, 0), ElementsAre(std::pair(2u, 1)));
  EXPECT_THAT(found(trie, "\x80", 0), ElementsAre(std::pair(1u, 2)));
  EXPECT_THAT(found(trie, "é", 0), ElementsAre(std::pair(2u, 3)));
}

// Every key of a random set that starts at a place is found, and no other: more than eight children
// under a node among them.
TEST(Trie, FindsWhatASearchFinds) {
  std::mt19937 random(2);
  std::map<std::string, int32_t> keys;
  for (int32_t i = 0; i < 3000; ++i) {
    std::string key;
    for (size_t n = 1 + random() % 4; n > 0; --n) key += static_cast<char>('a' + random() % 20);
    keys[key] = i;
  }
  Trie trie;
  trie.build({keys.begin(), keys.end()});
  std::string text;
  for (int i = 0; i < 500; ++i) text += static_cast<char>('a' + random() % 20);
  for (size_t at = 0; at < text.size(); ++at) {
    std::vector<std::pair<size_t, int32_t>> expected;
    for (size_t n = 1; n <= 4 && at + n <= text.size(); ++n) {
      const auto place = keys.find(text.substr(at, n));
      if (place != keys.end()) expected.emplace_back(at + n, place->second);
    }
    EXPECT_EQ(found(trie, text, at), expected) << "at " << at;
  }
}

std::string replaced(LiteralReplacer replacer, const std::vector<std::string>& pieces) {
  std::string out;
  for (const std::string& piece : pieces) replacer.put(piece, out);
  replacer.end(out);
  return out;
}

TEST(LiteralReplacer, FindsMatchesOverTheEndsOfPieces) {
  EXPECT_EQ(replaced({"abc", "-"}, {"xabcx"}), "x-x");
  EXPECT_EQ(replaced({"abc", "-"}, {"xa", "b", "cx"}), "x-x");
  EXPECT_EQ(replaced({"abc", "-"}, {"ab", "ab", "c"}), "ab-");
  EXPECT_EQ(replaced({"abc", "-"}, {"ab"}), "ab");
  EXPECT_EQ(replaced({"aa", "b"}, {"a", "a", "a"}), "ba");  // from the left, without overlap
  EXPECT_EQ(replaced({"", "-"}, {"ab", "c"}), "abc");
  EXPECT_EQ(replaced({"a", ""}, {"banana"}), "bnn");
  EXPECT_EQ(replaced({"a", "aa"}, {"a", "a"}), "aaaa");  // what is put in is not looked at again
}

TEST(LiteralReplacer, GivesOutWhatNothingCanChange) {
  LiteralReplacer replacer("abc", "-");
  std::string out;
  replacer.put("xyab", out);
  EXPECT_EQ(out, "xy");
  replacer.put("d", out);
  EXPECT_EQ(out, "xyabd");
}

// However a text comes in pieces, the result is that of the whole.
TEST(LiteralReplacer, PiecesAreOfNoMatter) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::string text, from, expected;
    for (int i = 0; i < 30; ++i) text += static_cast<char>('a' + random() % 2);
    for (size_t n = 1 + random() % 4; n > 0; --n) from += static_cast<char>('a' + random() % 2);
    for (size_t at = 0; at < text.size();) {
      const bool match = text.compare(at, from.size(), from) == 0;
      expected += match ? "<>" : text.substr(at, 1);
      at += match ? from.size() : 1;
    }
    std::vector<std::string> pieces;
    for (size_t at = 0; at < text.size();) {
      const size_t size = 1 + random() % 5;
      pieces.push_back(text.substr(at, size));
      at += size;
    }
    EXPECT_EQ(replaced({from, "<>"}, pieces), expected) << from << " in " << text;
  }
}

TEST(MergeBuckets, GiveTheLowestRankFromLeftToRight) {
  MergeBuckets buckets;
  buckets.reset(10);
  for (const auto& [rank, position] : {std::pair{5u, 3u}, {2u, 9u}, {5u, 1u}, {2u, 4u}})
    buckets.add(rank, position);
  uint32_t rank = 0;
  std::vector<uint32_t> positions;
  ASSERT_TRUE(buckets.take(rank, positions));
  EXPECT_EQ(rank, 2u);
  EXPECT_THAT(positions, ElementsAre(4, 9));
  buckets.add(0, 7);
  ASSERT_TRUE(buckets.take(rank, positions));
  EXPECT_EQ(rank, 0u);
  EXPECT_THAT(positions, ElementsAre(7));
  ASSERT_TRUE(buckets.take(rank, positions));
  EXPECT_THAT(positions, ElementsAre(1, 3));
  EXPECT_FALSE(buckets.take(rank, positions));
}

TEST(MergeBuckets, ForgetWhatAnEarlierWordLeft) {
  MergeBuckets buckets;
  buckets.reset(4);
  buckets.add(3, 1);
  buckets.reset(8);
  uint32_t rank = 0;
  std::vector<uint32_t> positions;
  EXPECT_FALSE(buckets.take(rank, positions));
  buckets.add(7, 0);
  ASSERT_TRUE(buckets.take(rank, positions));
  EXPECT_EQ(rank, 7u);
}

// Against a sorted multimap, with ranks put in while others are taken out.
TEST(MergeBuckets, AreAPriorityQueue) {
  std::mt19937 random(4);
  MergeBuckets buckets;
  buckets.reset(50);
  std::map<uint32_t, std::multiset<uint32_t>> expected;
  uint32_t rank = 0;
  std::vector<uint32_t> positions;
  for (int round = 0; round < 2000; ++round) {
    if (random() % 3 != 0) {
      const uint32_t r = random() % 50, p = random() % 1000;
      buckets.add(r, p);
      expected[r].insert(p);
    } else {
      ASSERT_EQ(buckets.take(rank, positions), !expected.empty());
      if (expected.empty()) continue;
      EXPECT_EQ(rank, expected.begin()->first);
      EXPECT_THAT(positions, ::testing::ElementsAreArray(expected.begin()->second));
      expected.erase(expected.begin());
    }
  }
}

std::vector<int32_t> cached(const WordCache& cache, std::string_view word, uint64_t hash) {
  const auto ids = cache.find(word, hash);
  return {ids.begin(), ids.end()};
}

TEST(WordCache, FindsTheWordsThatWerePutThere) {
  WordCache cache;
  EXPECT_THAT(cached(cache, "word", 1), IsEmpty());
  const std::vector<int32_t> ids = {4, 5, 6};
  cache.put("word", 1, ids);
  EXPECT_EQ(cached(cache, "word", 1), ids);
  EXPECT_THAT(cached(cache, "work", 1), IsEmpty());  // of the same hash
  EXPECT_THAT(cached(cache, "wor", 1), IsEmpty());
  EXPECT_THAT(cached(cache, "word", 2), IsEmpty());
}

TEST(WordCache, ALaterWordOfTheSamePlaceTakesIt) {
  WordCache cache;
  const std::vector<int32_t> one = {1}, two = {2, 3};
  cache.put("one", 5, one);
  cache.put("two", 5 + 16384, two);
  EXPECT_EQ(cached(cache, "two", 5 + 16384), two);
  EXPECT_THAT(cached(cache, "one", 5), IsEmpty());
}

TEST(WordCache, KeepsWhatFits) {
  WordCache cache;
  const std::string longest(31, 'x');
  const std::vector<int32_t> most(7, 9), too_many(8, 9);
  cache.put(longest, 1, most);
  EXPECT_EQ(cached(cache, longest, 1), most);
  cache.put(longest + "x", 2, most);
  EXPECT_THAT(cached(cache, longest + "x", 2), IsEmpty());
  cache.put("word", 3, too_many);
  EXPECT_THAT(cached(cache, "word", 3), IsEmpty());
  cache.put("word", 4, {});
  cache.put("", 5, most);
  EXPECT_THAT(cached(cache, "", 5), IsEmpty());
}

Text text_of(std::string_view bytes, uint32_t shift = 0, bool tracked = true) {
  Text text;
  text.assign(bytes, shift, tracked);
  return text;
}

TEST(Text, ABytesOriginIsItsCharacter) {
  const Text text = text_of("aé東", 10);
  EXPECT_EQ(text.origin({0, 1}), (Span{10, 11}));
  EXPECT_EQ(text.origin({1, 3}), (Span{11, 13}));
  EXPECT_EQ(text.origin({3, 6}), (Span{13, 16}));
  EXPECT_EQ(text.origin({0, 6}), (Span{10, 16}));
}

TEST(Text, FilteringKeepsWhatIsLeftWhereItWas) {
  Text text = text_of("a-b--c");
  text.filter([](char32_t c) { return c != '-'; });
  EXPECT_EQ(text.bytes(), "abc");
  EXPECT_EQ(text.origin({0, 1}), (Span{0, 1}));
  EXPECT_EQ(text.origin({1, 2}), (Span{2, 3}));
  EXPECT_EQ(text.origin({2, 3}), (Span{5, 6}));
  text.filter([](char32_t) { return false; });
  EXPECT_TRUE(text.empty());
}

TEST(Text, MappingKeepsOriginsOverOtherSizes) {
  Text text = text_of("xyx");
  text.map([](char32_t c) { return c == 'x' ? U'東' : c; });
  EXPECT_EQ(text.bytes(), "東y東");
  EXPECT_EQ(text.origin({0, 3}), (Span{0, 1}));
  EXPECT_EQ(text.origin({3, 4}), (Span{1, 2}));
  EXPECT_EQ(text.origin({4, 7}), (Span{2, 3}));
}

TEST(Text, APartOfATextKeepsItsPlace) {
  const Text whole = text_of("hello world", 5);
  Text part;
  part.assign(whole, {6, 11});
  EXPECT_EQ(part.bytes(), "world");
  EXPECT_EQ(part.origin({0, 5}), (Span{11, 16}));
}

TEST(Text, WhatIsAppendedStandsWhereItIsSaidToStand) {
  const Text source = text_of("abc", 3);
  Text text = source.empty_like();
  EXPECT_TRUE(text.empty());
  EXPECT_TRUE(text.tracked());
  text.append("▁", {3, 3});
  text.append(source, {1, 3});
  EXPECT_EQ(text.bytes(), "▁bc");
  EXPECT_EQ(text.origin({0, 3}), (Span{3, 3}));
  EXPECT_EQ(text.origin({3, 5}), (Span{4, 6}));
}

TEST(Text, IsTheSameWithoutOrigins) {
  Text tracked = text_of("A-B", 0, true), bare = text_of("A-B", 0, false);
  for (Text* text : {&tracked, &bare}) {
    text->map([](char32_t c) { return c == 'A' ? U'é' : c; });
    text->filter([](char32_t c) { return c != '-'; });
  }
  EXPECT_EQ(tracked.bytes(), "éB");
  EXPECT_EQ(bare.bytes(), tracked.bytes());
  EXPECT_FALSE(bare.tracked());
}

}  // namespace
}  // namespace vecton::tokenizer
