#include <gtest/gtest.h>

#include <algorithm>

#include "vecton/vecton.h"

namespace vecton::engine {
namespace {

const std::vector<std::string> kLabels = {"O", "B-PER", "I-PER", "B-LOC", "B-A-B", "PER"};

// A text's tokens with a label each, in order; all are sure of it to the same part.
struct Tagged {
  Tagged(const std::string& model, const std::string& the_text)
      : text(the_text), tokenizer(Tokenizer::open("tests/golden/" + model + "/model")) {
    const Encoding encoding = tokenizer->encode(text, {.offsets = true});
    for (size_t i = 0; i < encoding.ids.size(); ++i) {
      answer.tokens.push_back({.id = encoding.ids[i],
                               .begin = encoding.offsets[i].first,
                               .end = encoding.offsets[i].second,
                               .special = encoding.special_tokens_mask[i] != 0});
    }
    answer.rows = static_cast<int64_t>(encoding.ids.size());
    answer.columns = static_cast<int64_t>(kLabels.size());
    answer.values.assign(static_cast<size_t>(answer.rows * answer.columns), 0.0f);
  }

  // Of tokens that are not special, in order.
  Tagged& say(const std::vector<std::pair<std::string, float>>& said) {
    size_t next = 0;
    for (size_t i = 0; i < answer.tokens.size() && next < said.size(); ++i) {
      if (answer.tokens[i].special) continue;
      const auto label = std::ranges::find(kLabels, said[next].first) - kLabels.begin();
      answer.values[i * kLabels.size() + static_cast<size_t>(label)] = said[next++].second;
    }
    EXPECT_EQ(next, said.size());
    return *this;
  }

  // "PER 0.5 Hi|A-B 0.25 ,"
  std::string entities(Aggregation aggregation) const {
    std::string out;
    for (const Entity& entity : find_entities(answer, text, *tokenizer, kLabels, aggregation)) {
      char score[32];
      std::snprintf(score, sizeof score, " %g ", static_cast<double>(entity.score));
      out += (out.empty() ? "" : "|") + entity.label + score + entity.text;
    }
    return out;
  }

  std::string text;
  std::shared_ptr<const Tokenizer> tokenizer;
  Labels answer;
};

size_t tokens_of(const Tagged& tagged) {
  return static_cast<size_t>(
      std::ranges::count_if(tagged.answer.tokens, [](const TokenInfo& t) { return !t.special; }));
}

TEST(Entities, WordsOfWordPieceEndWhereNoneGoesOn) {
  Tagged tagged("tok-minilm-real", "hi, paris");
  ASSERT_EQ(tokens_of(tagged), 3u);
  tagged.say({{"B-PER", 0.5f}, {"B-A-B", 0.25f}, {"B-LOC", 0.75f}});
  for (const Aggregation aggregation :
       {Aggregation::kSimple, Aggregation::kFirst, Aggregation::kAverage, Aggregation::kMax}) {
    EXPECT_EQ(tagged.entities(aggregation), "PER 0.5 hi|A-B 0.25 ,|LOC 0.75 paris");
  }
  EXPECT_EQ(tagged.entities(Aggregation::kNone), "B-PER 0.5 hi|B-A-B 0.25 ,|B-LOC 0.75 paris");
}

TEST(Entities, PiecesOfAWordAgree) {
  Tagged tagged("tok-minilm-real", "embeddings work");
  ASSERT_EQ(tokens_of(tagged), 5u);  // em ##bed ##ding ##s work
  tagged.say({{"B-PER", 0.5f}, {"B-LOC", 0.75f}, {"B-LOC", 0.5f}, {"O", 0.5f}, {"I-PER", 1}});
  EXPECT_EQ(tagged.entities(Aggregation::kSimple),
            "PER 0.5 em|LOC 0.75 bed|LOC 0.5 ding|PER 1 work");
  EXPECT_EQ(tagged.entities(Aggregation::kFirst), "PER 0.75 embeddings work");
  EXPECT_EQ(tagged.entities(Aggregation::kMax), "LOC 0.75 embeddings|PER 1 work");
  EXPECT_EQ(tagged.entities(Aggregation::kAverage), "LOC 0.3125 embeddings|PER 1 work");
}

TEST(Entities, AnUnknownTokenIsAWord) {
  Tagged tagged("tok-minilm-real", "a\U0001F980\U0001F980 b");
  ASSERT_EQ(tokens_of(tagged), 2u);
  tagged.say({{"PER", 0.5f}, {"PER", 0.25f}});
  EXPECT_EQ(tagged.entities(Aggregation::kMax), "PER 0.375 a\U0001F980\U0001F980 b");
}

// Not marked: words end at spaces, and the tokens of one character are all of it.
TEST(Entities, OtherTokenizersKnowSpacesAlone) {
  Tagged tagged("tok-gpt2", "Hi, you");
  const size_t count = tokens_of(tagged);
  std::vector<std::pair<std::string, float>> said(count, {"B-LOC", 0.25f});
  said.front() = {"B-PER", 0.5f};
  tagged.say(said);
  EXPECT_EQ(tagged.entities(Aggregation::kFirst), "PER 0.5 Hi,|LOC 0.25 |LOC 0.25 you");
}

TEST(Entities, LabelsAreCutAtTheirFirstHyphen) {
  Tagged tagged("tok-minilm-real", "one two three four");
  ASSERT_EQ(tokens_of(tagged), 4u);
  tagged.say({{"B-A-B", 0.5f}, {"PER", 0.5f}, {"I-PER", 1}, {"B-PER", 1}});
  EXPECT_EQ(tagged.entities(Aggregation::kSimple), "A-B 0.5 one|PER 0.75 two three|PER 1 four");
}

TEST(Entities, LabelsThatAreNoNamesAreNoNamesInJson) {
  const Entity number{.label = "7", .label_id = 1}, name{.label = "PER", .label_id = 0},
      null{.label = "null", .label_id = 2};
  ModelInfo info{.labels = {"B-PER", "7", "null"}, .labels_are_names = {true, false, false}};
  EXPECT_EQ(label_json(info, number), "7");
  EXPECT_EQ(label_json(info, name), "\"PER\"");
  EXPECT_EQ(label_json(info, null), "null");
  info.labels_are_names.clear();
  EXPECT_EQ(label_json(info, number), "\"7\"");
}

TEST(Entities, SayWhichLabelTheyBeginWith) {
  Tagged tagged("tok-bert-uncased", "a b");
  tagged.say({{"B-PER", 0.5f}, {"I-PER", 0.5f}});
  const auto joined =
      find_entities(tagged.answer, tagged.text, *tagged.tokenizer, kLabels, Aggregation::kSimple);
  ASSERT_EQ(joined.size(), 1u);
  EXPECT_EQ(joined[0].label_id, 1u);
  const auto tokens =
      find_entities(tagged.answer, tagged.text, *tagged.tokenizer, kLabels, Aggregation::kNone);
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(tokens[1].label_id, 2u);
}

}  // namespace
}  // namespace vecton::engine
