#include "tokenizer/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tokenizer/test_json.h"

namespace vecton::tokenizer {

namespace {

using Ids = std::vector<int32_t>;

Tokens encode(const Model& model, std::string_view word, bool spans = false) {
  ModelScratch scratch;
  Tokens tokens;
  tokens.with_spans = spans;
  model.encode(word, scratch, tokens);
  return tokens;
}

std::unique_ptr<const Model> model_of(const std::string& text, bool reads_bytes = false) {
  return make_model(testing_json::Document(text).field(), reads_bytes);
}

TEST(WordPiece, TakesTheLongestPieces) {
  const auto model =
      model_of(R"({"type":"WordPiece","unk_token":"[UNK]","max_input_chars_per_word":8,
      "vocab":{"[UNK]":0,"un":1,"##aff":2,"##able":3,"##a":4,"é":5,"##é":6}})");
  EXPECT_EQ(encode(*model, "unaffable").ids, (Ids{0}));  // nine characters
  EXPECT_EQ(encode(*model, "unable").ids, (Ids{1, 3}));
  EXPECT_EQ(encode(*model, "unaffa").ids, (Ids{1, 2, 4}));
  EXPECT_EQ(encode(*model, "unx").ids, (Ids{0}));
  EXPECT_EQ(encode(*model, "éééééééé").ids, (Ids{5, 6, 6, 6, 6, 6, 6, 6}));
  EXPECT_EQ(encode(*model, "unaé", true).spans, (std::vector<Span>{{0, 2}, {2, 3}, {3, 5}}));
}

TEST(WordPiece, TheCacheChangesNothing) {
  const auto model = model_of(R"({"type":"WordPiece","vocab":{"[UNK]":0,"a":1,"##b":2}})");
  ModelScratch scratch;
  for (int i = 0; i < 3; ++i) {
    Tokens tokens;
    model->encode("abb", scratch, tokens);
    model->encode("abx", scratch, tokens);
    EXPECT_EQ(tokens.ids, (Ids{1, 2, 2, 0}));
  }
}

TEST(Bpe, MergesTheLowestRankThenTheLeftmost) {
  const auto model = model_of(R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"aba":3,"ba":4},
      "merges":[["b","a"],"a b",["ab","a"]]})");
  EXPECT_EQ(encode(*model, "aba").ids, (Ids{0, 4}));
  EXPECT_EQ(encode(*model, "ababb").ids, (Ids{0, 4, 1, 1}));
}

TEST(Bpe, LongWordsAreMergedAsShortOnes) {
  const std::string text = R"({"type":"BPE","vocab":{"a":0,"b":1,"aa":2,"ab":3,"aaab":4,"bb":5},
      "merges":[["a","a"],["a","b"],["aa","ab"],["b","b"]]})";
  const auto model = model_of(text);
  std::string word;
  for (int i = 0; i < 200; ++i) word += "aaabbab"[(i * i + i / 3) % 7];
  // Symbols never merge over "x", which has no token: so the long word is the sum of its short
  // parts.
  std::string marked;
  Ids parts;
  for (size_t at = 0; at < word.size(); at += 20) {
    const Ids ids = encode(*model, word.substr(at, 20)).ids;
    parts.insert(parts.end(), ids.begin(), ids.end());
    marked += word.substr(at, 20) + "x";
    parts.push_back(-2);
  }
  const auto with_unknown = model_of(
      R"({"type":"BPE","unk_token":"?","vocab":{"a":0,"b":1,"aa":2,"ab":3,"aaab":4,"bb":5,"?":6},
      "merges":[["a","a"],["a","b"],["aa","ab"],["b","b"]]})");
  std::replace(parts.begin(), parts.end(), -2, 6);
  EXPECT_EQ(encode(*with_unknown, marked).ids, parts);
}

TEST(Bpe, FallsBackToBytesOrTheUnknownToken) {
  EXPECT_EQ(
      encode(
          *model_of(
              R"({"type":"BPE","byte_fallback":true,"vocab":{"a":0,"<0xC3>":1,"<0xA9>":2},"merges":[]})"),
          "aéa")
          .ids,
      (Ids{0, 1, 2, 0}));
  EXPECT_EQ(
      encode(
          *model_of(
              R"({"type":"BPE","unk_token":"u","fuse_unk":true,"vocab":{"a":0,"u":1},"merges":[]})"),
          "axya")
          .ids,
      (Ids{0, 1, 0}));
  EXPECT_EQ(
      encode(
          *model_of(
              R"({"type":"BPE","unk_token":"u","fuse_unk":false,"vocab":{"a":0,"u":1},"merges":[]})"),
          "axya")
          .ids,
      (Ids{0, 1, 1, 0}));
  EXPECT_EQ(encode(*model_of(R"({"type":"BPE","vocab":{"a":0},"merges":[]})"), "axa").ids,
            (Ids{0, 0}));
}

TEST(Bpe, ReadsBytesAndWholeWords) {
  const auto model = model_of(
      R"({"type":"BPE","ignore_merges":true,"vocab":{"Ġ":0,"a":1,"Ã":2,"©":3,"Ġaa":4,"</w>":5,"a</w>":6},
      "merges":[]})",
      true);
  EXPECT_EQ(encode(*model, " aa").ids, (Ids{4}));
  EXPECT_EQ(encode(*model, " é").ids, (Ids{0, 2, 3}));
  const auto suffixed =
      model_of(R"({"type":"BPE","end_of_word_suffix":"</w>","vocab":{"a":1,"a</w>":6,"aa</w>":7},
      "merges":[["a","a</w>"]]})",
               true);
  EXPECT_EQ(encode(*suffixed, "aaa").ids, (Ids{1, 7}));
}

// Joins the leftmost pair of the lowest rank until there is none.
Ids joined_one_by_one(const std::vector<std::string>& tokens,
                      const std::vector<std::pair<int, int>>& merges, const std::string& word) {
  std::vector<std::string> parts;
  for (const char c : word) parts.emplace_back(1, c);
  for (size_t rank = 0; rank < merges.size();) {
    const auto [left, right] = merges[rank];
    size_t at = 0;
    while (at + 1 < parts.size() && !(parts[at] == tokens[left] && parts[at + 1] == tokens[right]))
      ++at;
    if (at + 1 >= parts.size()) {
      ++rank;
      continue;
    }
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    rank = 0;
  }
  Ids ids;
  for (const std::string& part : parts) {
    ids.push_back(
        static_cast<int32_t>(std::find(tokens.begin(), tokens.end(), part) - tokens.begin()));
  }
  return ids;
}

TEST(Bpe, LongWordsAreJoinedInTheSameOrder) {
  std::mt19937 random(5);
  const auto below = [&](size_t n) {
    return std::uniform_int_distribution<size_t>(0, n - 1)(random);
  };
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> tokens = {"a", "b", "c"};
    std::vector<std::pair<int, int>> merges;
    while (tokens.size() < 12) {
      const size_t left = below(tokens.size()), right = below(tokens.size());
      const std::string whole = tokens[left] + tokens[right];
      if (std::find(tokens.begin(), tokens.end(), whole) != tokens.end()) continue;
      tokens.push_back(whole);
      merges.emplace_back(left, right);
    }
    // Every second round the ranks are not those of merges that were learnt.
    if (round % 2) std::shuffle(merges.begin(), merges.end(), random);
    std::string vocab, rules;
    for (size_t i = 0; i < tokens.size(); ++i)
      vocab += (i ? ",\"" : "\"") + tokens[i] + "\":" + std::to_string(i);
    for (const auto& [left, right] : merges) {
      rules += rules.empty() ? "" : ",";
      rules += "[\"" + tokens[left] + "\",\"" + tokens[right] + "\"]";
    }
    const auto model =
        model_of("{\"type\":\"BPE\",\"vocab\":{" + vocab + "},\"merges\":[" + rules + "]}");
    for (const size_t size : {7, 60, 300}) {
      std::string word;
      while (word.size() < size) word += tokens[below(tokens.size())];
      EXPECT_EQ(encode(*model, word).ids, joined_one_by_one(tokens, merges, word)) << word;
    }
  }
}

TEST(Bpe, RefusesBrokenMerges) {
  for (const char* merges : {R"([["a","z"]])", R"(["a"])", R"(["a b c"])", R"([["a","b","c"]])",
                             "[1]", R"([["a","b"]])"}) {
    EXPECT_THROW(
        model_of(R"({"type":"BPE","vocab":{"a":0,"b":1},"merges":)" + std::string(merges) + "}"),
        Error)
        << merges;
  }
  EXPECT_THROW(model_of(R"({"type":"BPE","vocab":{"a":0},"merges":[],"dropout":2})"), Error);
  EXPECT_THROW(model_of(R"({"type":"BPE","vocab":{"a":-1},"merges":[]})"), Error);
  EXPECT_THROW(model_of(R"({"type":"BPE","vocab":{"a":2000000000},"merges":[]})"), Error);
}

constexpr const char* kUnigram =
    R"({"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1],["b",-1],["ab",-1.5],["abc",-9]]})";

TEST(Unigram, TakesTheBestSum) {
  const auto model = model_of(kUnigram);
  EXPECT_EQ(encode(*model, "abab").ids, (Ids{3, 3}));
  EXPECT_EQ(encode(*model, "abc").ids, (Ids{4}));
}

TEST(Unigram, JoinsUnknownCharacters) {
  const auto model = model_of(kUnigram);
  const Tokens tokens = encode(*model, "axyéb", true);
  EXPECT_EQ(tokens.ids, (Ids{1, 0, 2}));
  EXPECT_EQ(tokens.spans, (std::vector<Span>{{0, 1}, {1, 5}, {5, 6}}));
}

TEST(Unigram, RefusesABrokenVocabulary) {
  EXPECT_THROW(model_of(R"({"type":"Unigram","unk_id":7,"vocab":[["a",0]]})"), Error);
  EXPECT_THROW(model_of(R"({"type":"Unigram","vocab":[["a"]]})"), Error);
  EXPECT_THROW(encode(*model_of(R"({"type":"Unigram","vocab":[["a",0]]})"), "b"), Error);
}

TEST(WordLevel, KnowsWordsOrNot) {
  const auto model = model_of(R"({"type":"WordLevel","unk_token":"u","vocab":{"u":0,"word":1}})");
  EXPECT_EQ(encode(*model, "word").ids, (Ids{1}));
  EXPECT_EQ(encode(*model, "other").ids, (Ids{0}));
}

TEST(Model, RefusesOtherTypesByName) { EXPECT_THROW(model_of(R"({"type":"Markov"})"), Error); }

}  // namespace

}  // namespace vecton::tokenizer
