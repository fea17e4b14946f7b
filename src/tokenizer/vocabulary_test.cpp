#include "tokenizer/vocabulary.h"

#include <gtest/gtest.h>

#include "tokenizer/trie.h"
#include "tokenizer/word_cache.h"

namespace vecton::tokenizer {

namespace {

TEST(Vocabulary, FindsWhatWasAdded) {
  Vocabulary vocabulary;
  for (int i = 0; i < 5000; ++i) vocabulary.add("token" + std::to_string(i * 7), i);
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) names.push_back("token" + std::to_string(i));
  std::vector<std::string_view> views(names.begin(), names.end());
  std::vector<int32_t> ids(views.size());
  vocabulary.find_many(views, ids);
  for (int i = 0; i < 5000; ++i) {
    const int32_t want = i % 7 == 0 ? i / 7 : Vocabulary::kNone;
    EXPECT_EQ(vocabulary.find(names[i]), want);
    EXPECT_EQ(ids[i], want);
  }
  EXPECT_EQ(vocabulary.token(3), "token21");
  EXPECT_EQ(vocabulary.id_limit(), 5000);
}

TEST(Vocabulary, KeepsGapsAndTheEmptyToken) {
  Vocabulary vocabulary;
  EXPECT_EQ(vocabulary.find("x"), Vocabulary::kNone);
  vocabulary.add("", 5);
  EXPECT_EQ(vocabulary.find(""), 5);
  EXPECT_TRUE(vocabulary.has_id(5));
  EXPECT_FALSE(vocabulary.has_id(4));
  EXPECT_FALSE(vocabulary.has_id(-1));
  EXPECT_EQ(vocabulary.token(100), "");
}

TEST(Trie, WalksTheKeysThatStartHere) {
  Trie trie;
  trie.build({{"a", 1}, {"abc", 2}, {"ab", 3}, {"b", 4}, {"abc", 5}, {"", 6}});
  std::vector<std::pair<size_t, int32_t>> found;
  trie.walk("xabcd", 1, [&](size_t end, int32_t value) { found.emplace_back(end, value); });
  EXPECT_EQ(found, (std::vector<std::pair<size_t, int32_t>>{{2, 1}, {3, 3}, {4, 5}}));
  found.clear();
  trie.walk("x", 0, [&](size_t end, int32_t value) { found.emplace_back(end, value); });
  trie.walk("", 0, [&](size_t end, int32_t value) { found.emplace_back(end, value); });
  EXPECT_TRUE(found.empty());
}

TEST(Trie, FindsEachOfManyChildren) {
  std::vector<std::string> keys;
  for (int byte = 1; byte < 256; ++byte) keys.push_back(std::string("p") + static_cast<char>(byte));
  std::vector<std::pair<std::string_view, int32_t>> pairs;
  for (size_t i = 0; i < keys.size(); ++i) pairs.emplace_back(keys[i], static_cast<int32_t>(i));
  Trie trie;
  trie.build(std::move(pairs));
  for (size_t i = 0; i < keys.size(); ++i) {
    int32_t value = -1;
    trie.walk(keys[i], 0, [&](size_t, int32_t v) { value = v; });
    EXPECT_EQ(value, static_cast<int32_t>(i));
  }
}

TEST(WordCache, GivesBackWhatFits) {
  WordCache cache;
  const std::string word = "word", large(WordCache::kMaxBytes + 1, 'x');
  const std::vector<int32_t> ids = {1, 2}, many(WordCache::kMaxIds + 1, 3);
  EXPECT_TRUE(cache.find(word, hash_bytes(word)).empty());
  cache.put(word, hash_bytes(word), ids);
  cache.put(large, hash_bytes(large), ids);
  EXPECT_EQ(cache.find(word, hash_bytes(word)).size(), 2u);
  EXPECT_TRUE(cache.find(large, hash_bytes(large)).empty());
  EXPECT_TRUE(cache.find("wort", hash_bytes(word)).empty());
  cache.put("other", 9, many);
  EXPECT_TRUE(cache.find("other", 9).empty());
}

}  // namespace

}  // namespace vecton::tokenizer
