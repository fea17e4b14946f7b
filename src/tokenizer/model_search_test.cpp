// The models of a tokenizer against a search through all ways to cut a word, over random
// vocabularies and words.
#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <random>

#include "base/utf8.h"
#include "tokenizer/model.h"
#include "tokenizer/test_json.h"

namespace vecton::tokenizer {
namespace {

using Ids = std::vector<int32_t>;

std::unique_ptr<const Model> model_of(const json::object& text) {
  return make_model(testing_json::Document(json::serialize(text)).field(), false);
}

Tokens encode(const Model& model, const std::string& word, bool spans = false) {
  ModelScratch scratch;
  Tokens tokens;
  tokens.with_spans = spans;
  model.encode(word, scratch, tokens);
  return tokens;
}

class Words {
 public:
  explicit Words(unsigned seed) : random_(seed) {}
  size_t below(size_t n) { return random_() % n; }
  // Of letters of one to four bytes.
  std::string word(size_t least, size_t most) {
    static const char* const kLetters[] = {"a", "b", "c", "é", "日", "🙂"};
    std::string text;
    const size_t letters = least + below(most - least + 1);
    for (size_t i = 0; i < letters; ++i) text += kLetters[below(std::size(kLetters))];
    return text;
  }
  double score() { return -static_cast<double>(below(1000)) / 64; }

 private:
  std::mt19937 random_;
};

// Where the characters of a word begin, and its end.
std::vector<size_t> boundaries(const std::string& word) {
  std::vector<size_t> all;
  for (size_t i = 0; i < word.size(); i += utf8::decode(word, i).bytes) all.push_back(i);
  all.push_back(word.size());
  return all;
}

// --- WordPiece: the longest piece, then the longest that continues it.

Ids longest_pieces(const std::map<std::string, int32_t>& vocabulary, const std::string& word,
                   size_t most_letters) {
  const std::vector<size_t> ends = boundaries(word);
  if (ends.size() - 1 > most_letters) return {0};
  Ids ids;
  for (size_t at = 0; at < word.size();) {
    size_t taken = at;
    for (const size_t end : ends) {
      if (end <= at) continue;
      const auto found = vocabulary.find((at > 0 ? "##" : "") + word.substr(at, end - at));
      if (found == vocabulary.end()) continue;
      if (taken > at) ids.pop_back();
      taken = end;
      ids.push_back(found->second);
    }
    if (taken == at) return {0};
    at = taken;
  }
  return ids;
}

TEST(ModelSearch, WordPieceTakesTheLongestPieces) {
  Words words(1);
  int unknown = 0, known = 0;
  for (int round = 0; round < 40; ++round) {
    std::map<std::string, int32_t> vocabulary = {{"[UNK]", 0}};
    while (vocabulary.size() < 25) {
      const std::string piece = (words.below(2) ? "##" : "") + words.word(1, 3);
      vocabulary.try_emplace(piece, static_cast<int32_t>(vocabulary.size()));
    }
    json::object tokens;
    for (const auto& [token, id] : vocabulary) tokens[token] = id;
    const auto model = model_of({{"type", "WordPiece"},
                                 {"unk_token", "[UNK]"},
                                 {"max_input_chars_per_word", 9},
                                 {"vocab", tokens}});
    for (int i = 0; i < 50; ++i) {
      const std::string word = words.word(1, 11);
      const Ids expected = longest_pieces(vocabulary, word, 9);
      const Tokens found = encode(*model, word, true);
      ASSERT_EQ(found.ids, expected) << word;
      EXPECT_EQ(encode(*model, word).ids, expected) << word;
      EXPECT_EQ(found.spans.front().begin, 0u);
      EXPECT_EQ(found.spans.back().end, word.size());
      for (size_t s = 1; s < found.spans.size(); ++s)
        EXPECT_EQ(found.spans[s].begin, found.spans[s - 1].end);
      ++(expected == Ids{0} ? unknown : known);
    }
  }
  EXPECT_GT(unknown, 100);
  EXPECT_GT(known, 100);
}

// --- Unigram: of all ways to cut a word the one with the highest sum.

struct Cut {
  double score = -std::numeric_limits<double>::infinity();
  Ids ids;
  bool tied = false;  // another cut has the same score
};

// Unknown characters side by side are one token; `penalty` is each one's score.
Cut best_cut(const std::map<std::string, std::pair<int32_t, double>>& vocabulary,
             const std::string& word, double penalty) {
  const std::vector<size_t> ends = boundaries(word);
  Cut best;
  const std::function<void(size_t, double, Ids)> cut = [&](size_t from, double score,
                                                           const Ids& ids) {
    if (from + 1 == ends.size()) {
      if (std::abs(score - best.score) < 1e-9) best.tied = true;
      if (score >= best.score + 1e-9) best = {score, ids};
      return;
    }
    bool single = false;
    for (size_t to = from + 1; to < ends.size(); ++to) {
      const auto found = vocabulary.find(word.substr(ends[from], ends[to] - ends[from]));
      if (found == vocabulary.end()) continue;
      single |= to == from + 1;
      Ids longer = ids;
      longer.push_back(found->second.first);
      cut(to, score + found->second.second, longer);
    }
    if (single) return;
    Ids longer = ids;
    longer.push_back(0);
    cut(from + 1, score + penalty, longer);
  };
  cut(0, 0, {});
  const auto joined = std::unique(best.ids.begin(), best.ids.end(),
                                  [](int32_t a, int32_t b) { return a == 0 && b == 0; });
  best.ids.erase(joined, best.ids.end());
  return best;
}

TEST(ModelSearch, UnigramTakesTheBestSum) {
  Words words(2);
  int several = 0;
  for (int round = 0; round < 40; ++round) {
    std::map<std::string, std::pair<int32_t, double>> vocabulary;
    json::array tokens = {json::array{"<unk>", 0.0}};
    double lowest = 0;
    while (tokens.size() < 30) {
      const std::string piece = words.word(1, 4);
      if (vocabulary.contains(piece)) continue;
      const double score = words.score();
      vocabulary[piece] = {static_cast<int32_t>(tokens.size()), score};
      tokens.push_back(json::array{piece, score});
      lowest = std::min(lowest, score);
    }
    const auto model = model_of({{"type", "Unigram"}, {"unk_id", 0}, {"vocab", tokens}});
    for (int i = 0; i < 40; ++i) {
      const std::string word = words.word(1, 9);
      const Cut expected = best_cut(vocabulary, word, lowest - 10);
      if (expected.tied) continue;
      ASSERT_EQ(encode(*model, word).ids, expected.ids) << word;
      const Tokens with_spans = encode(*model, word, true);
      EXPECT_EQ(with_spans.ids, expected.ids);
      EXPECT_EQ(with_spans.spans.back().end, word.size());
      several += expected.ids.size() > 2 ? 1 : 0;
    }
  }
  EXPECT_GT(several, 300);
}

// A token may be looked up in any order of the vocabulary.
TEST(ModelSearch, UnigramDoesNotDependOnTheVocabularysOrder) {
  Words words(3);
  json::array tokens = {json::array{"<unk>", 0.0}};
  for (int i = 0; i < 60; ++i) tokens.push_back(json::array{words.word(1, 4), -1.0 - i / 7.0});
  std::vector<std::string> seen;
  json::array unique;
  for (const json::value& token : tokens) {
    const std::string text(token.as_array()[0].as_string());
    if (std::ranges::count(seen, text) > 0) continue;
    seen.push_back(text);
    unique.push_back(token);
  }
  json::array reversed = {unique[0]};
  for (size_t i = unique.size() - 1; i > 0; --i) reversed.push_back(unique[i]);
  const auto forwards = model_of({{"type", "Unigram"}, {"unk_id", 0}, {"vocab", unique}}),
             backwards = model_of({{"type", "Unigram"}, {"unk_id", 0}, {"vocab", reversed}});
  for (int i = 0; i < 300; ++i) {
    const std::string word = words.word(1, 12);
    const Tokens a = encode(*forwards, word, true), b = encode(*backwards, word, true);
    EXPECT_EQ(a.spans, b.spans) << word;
    for (size_t t = 0; t < a.ids.size(); ++t) {
      EXPECT_EQ(forwards->vocabulary().token(a.ids[t]), backwards->vocabulary().token(b.ids[t]));
    }
  }
}

// The cache of words gives what was computed, whatever came between.
TEST(ModelSearch, WordsAreTheSameInAnyOrder) {
  Words words(4);
  json::object vocabulary{{"[UNK]", 0}};
  for (int i = 1; i < 60; ++i)
    vocabulary[(i % 2 ? "##" : "") + words.word(1, 3)] = static_cast<int32_t>(vocabulary.size());
  const auto model = model_of({{"type", "WordPiece"}, {"vocab", vocabulary}});
  std::vector<std::string> texts;
  for (int i = 0; i < 500; ++i) texts.push_back(words.word(1, 10));
  std::vector<Ids> alone;
  for (const std::string& text : texts) alone.push_back(encode(*model, text).ids);
  ModelScratch scratch;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 2000; ++i) {
      const size_t which = words.below(texts.size());
      Tokens tokens;
      tokens.with_spans = words.below(4) == 0;
      model->encode(texts[which], scratch, tokens);
      ASSERT_EQ(tokens.ids, alone[which]) << texts[which];
    }
  }
}

}  // namespace
}  // namespace vecton::tokenizer
