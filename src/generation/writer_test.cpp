#include "generation/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "generation/logprobs.h"
#include "vecton/error.h"

namespace vecton::generation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WriterTest : public ::testing::Test {
 protected:
  std::vector<int32_t> ids_of(const std::string& text) const {
    return tokenizer_->encode(text, {.add_special_tokens = false}).ids;
  }
  int64_t vocab() const { return tokenizer_->vocab_size(); }

  Writer writer(const Generate& asked, std::unique_ptr<TokenConstraint> constraint = nullptr) {
    Generate greedy = asked;
    if (!asked.temperature) greedy.temperature = 0;
    Settings settings = decide(greedy, defaults_, *tokenizer_,
                               {.vocab = vocab(), .max_model_len = 1000, .max_logprobs = -1}, 1);
    const History prompt(std::vector<int32_t>{0}, settings.sampling);
    return Writer(std::move(settings), prompt, 0, tokenizer_, std::move(constraint));
  }
  // Logits that have this token as their best.
  std::vector<float> liking(int32_t id) const {
    std::vector<float> logits(static_cast<size_t>(vocab()));
    for (size_t i = 0; i < logits.size(); ++i) logits[i] = -static_cast<float>(i % 7);
    logits[static_cast<size_t>(id)] = 5;
    return logits;
  }
  // Writes a model's answer, until it ends. The texts of the deltas must be that of the completion.
  Completion write(Writer writer, const std::vector<int32_t>& ids) {
    std::string text;
    std::vector<int32_t> tokens;
    for (const int32_t id : ids) {
      if (writer.ended()) break;
      std::vector<float> logits = liking(id);
      writer.write(logits);
      const GenerationDelta delta = writer.take_delta();
      text += delta.text;
      tokens.insert(tokens.end(), delta.token_ids.begin(), delta.token_ids.end());
      EXPECT_EQ(delta.finish_reason.has_value(), writer.ended());
    }
    if (!writer.ended()) {
      writer.abort();
      text += writer.take_delta().text;
    }
    Completion completion = writer.take_completion();
    EXPECT_EQ(text, completion.text);
    EXPECT_EQ(tokens, completion.token_ids);
    return completion;
  }
  Completion write(const Generate& asked, const std::vector<int32_t>& ids) {
    return write(writer(asked), ids);
  }
  std::vector<int32_t> ended_by(const std::string& text, int32_t end) const {
    std::vector<int32_t> ids = ids_of(text);
    ids.push_back(end);
    return ids;
  }

  std::shared_ptr<const Tokenizer> tokenizer_ = Tokenizer::open("tests/golden/emb-qwen3/model");
  int32_t eos_ = tokenizer_->special_token_id("eos_token").value();
  int32_t other_end_ = eos_ == 1 ? 2 : 1;
  Defaults defaults_{.eos_token_ids = {eos_, other_end_}};
};

TEST_F(WriterTest, EndsAsTheModelDoes) {
  const Completion c = write({}, ended_by("Hello there", eos_));
  EXPECT_EQ(c.text, "Hello there");
  EXPECT_EQ(c.token_ids, ended_by("Hello there", eos_));
  EXPECT_EQ(c.finish_reason, FinishReason::kStop);
  EXPECT_EQ(c.stop_reason, StopReason());
}

TEST_F(WriterTest, OtherEndsAreNamed) {
  EXPECT_EQ(write({}, ended_by("Hello", other_end_)).stop_reason, StopReason(other_end_));
  const int32_t own = ids_of("x").front();
  const Completion c = write({.stop_token_ids = {own}}, ended_by("Hello", own));
  EXPECT_EQ(c.stop_reason, StopReason(own));
  EXPECT_EQ(c.text, "Hello");
  EXPECT_EQ(
      write({.stop_token_ids = {own}, .include_stop_str_in_output = true}, ended_by("Hello", own))
          .text,
      "Hellox");
  // Ends can be ignored, a request's stop tokens not.
  EXPECT_EQ(write({.ignore_eos = true}, ended_by("a", eos_)).finish_reason, FinishReason::kAbort);
}

TEST_F(WriterTest, EndsAtItsLength) {
  const std::vector<int32_t> ids = ids_of("Hello there, all of you");
  ASSERT_GT(ids.size(), 3u);
  const Completion c = write({.max_tokens = 3}, ids);
  EXPECT_EQ(c.finish_reason, FinishReason::kLength);
  EXPECT_EQ(c.token_ids.size(), 3u);
  EXPECT_EQ(c.text, tokenizer_->decode(std::span(ids).first(3)));
}

TEST_F(WriterTest, StopTexts) {
  const std::vector<int32_t> ids = ids_of("one two three four");
  const Completion c = write({.stop = {"three", "wo th"}}, ids);
  EXPECT_EQ(c.text, "one t");
  EXPECT_EQ(c.stop_reason, StopReason("wo th"));
  EXPECT_EQ(write({.stop = {"wo th"}, .include_stop_str_in_output = true}, ids).text, "one two th");
  // What is held back comes out in the end.
  EXPECT_EQ(write({.stop = {"four and"}}, ids).text, "one two three four");
}

TEST_F(WriterTest, NothingEndsBeforeMinTokens) {
  // The end is the best token all the time.
  Writer w = writer({.min_tokens = 4});
  std::vector<float> logits;
  do {
    logits = liking(eos_);
    w.write(logits);
  } while (!w.ended());
  const Completion c = w.take_completion();
  EXPECT_EQ(c.token_ids.size(), 5u);
  EXPECT_EQ(c.token_ids.back(), eos_);
  const std::vector<int32_t> ids = ids_of("a stop a stop");
  EXPECT_EQ(write({.stop = {"stop"}}, ids).text, "a ");
  EXPECT_EQ(write({.min_tokens = std::ssize(ids_of("a stop")), .stop = {"stop"}}, ids).text,
            "a stop a ");
}

TEST_F(WriterTest, PiecesNeverEndInsideACharacter) {
  const std::string text = "naïve 東京 🚀 é";
  Writer w = writer({});
  std::string all;
  for (const int32_t id : ids_of(text)) {
    std::vector<float> logits = liking(id);
    w.write(logits);
    const std::string piece = w.take_delta().text;
    EXPECT_EQ(piece.find("\xEF\xBF\xBD"), std::string::npos);
    all += piece;
  }
  EXPECT_EQ(all, text);
}

TEST_F(WriterTest, AHalfCharacterAtTheEndIsReplaced) {
  std::vector<int32_t> ids = ids_of("a 🚀");
  ids.pop_back();
  EXPECT_EQ(write({}, ids).text, tokenizer_->decode(ids));
}

TEST_F(WriterTest, SpecialTokensAreWrittenWhereAsked) {
  const std::vector<int32_t> ids{ids_of("a").front(), other_end_, ids_of("b").front()};
  defaults_.eos_token_ids = {eos_};
  for (const bool skip : {true, false})
    EXPECT_EQ(write({.skip_special_tokens = skip}, ids).text, tokenizer_->decode(ids, skip));
}

TEST_F(WriterTest, LogprobsAreOfTheRawLogits) {
  const int32_t id = ids_of("x").front();
  Writer w = writer({.temperature = 2.0, .logit_bias = {{3, 100.0f}}, .seed = 1, .logprobs = 2});
  std::vector<float> logits = liking(id);
  const std::vector<float> raw = logits;
  const int32_t got = w.write(logits);
  EXPECT_EQ(got, 3);  // by its bias
  const TokenLogprobs l = w.take_delta().logprobs.at(0);
  double sum = 0;
  for (const float x : raw) sum += std::exp(x);
  EXPECT_EQ(l.token.id, 3);
  EXPECT_NEAR(l.token.logprob, raw[3] - std::log(sum), 1e-5);
  ASSERT_EQ(l.top.size(), 2u);
  EXPECT_EQ(l.top[0].id, id);
  EXPECT_EQ(l.top[0].rank, 1);
  EXPECT_NEAR(l.top[0].logprob, 5 - std::log(sum), 1e-5);
  EXPECT_EQ(l.top[0].text, "x");
  EXPECT_EQ(l.top[0].bytes, "x");
}

TEST_F(WriterTest, RanksCountEqualOnes) {
  const std::vector<float> logits{1, 3, 3, 2};
  const TokenLogprobs l = logprobs_of(logits, 3, -1, *tokenizer_);
  EXPECT_EQ(l.token.rank, 3);
  std::vector<int64_t> ranks;
  for (const TokenLogprob& t : l.top) ranks.push_back(t.rank);
  EXPECT_THAT(ranks, ElementsAre(2, 2, 3, 4));
}

TEST_F(WriterTest, BytesOfHalfCharacters) {
  std::string bytes;
  for (const int32_t id : ids_of("🚀é東")) bytes += token_bytes(*tokenizer_, id);
  EXPECT_EQ(bytes, "🚀é東");
}

TEST_F(WriterTest, SeedsDecide) {
  const auto sampled = [&](uint64_t seed) {
    Writer w = writer({.temperature = 1.0, .ignore_eos = true, .seed = seed});
    std::vector<int32_t> ids;
    std::mt19937 random(9);
    std::normal_distribution<float> normal(0, 2);
    for (int i = 0; i < 20 && !w.ended(); ++i) {
      std::vector<float> logits(static_cast<size_t>(vocab()));
      for (float& x : logits) x = normal(random);
      ids.push_back(w.write(logits));
    }
    return ids;
  };
  EXPECT_EQ(sampled(4), sampled(4));
  EXPECT_NE(sampled(4), sampled(5));
}

TEST_F(WriterTest, WhatIsNoNumberIsAnError) {
  Writer w = writer({});
  std::vector<float> logits(static_cast<size_t>(vocab()), NAN);
  EXPECT_THROW(w.write(logits), Error);
  std::ranges::fill(logits, INFINITY);
  EXPECT_THROW(w.write(logits), Error);
}

// Some texts, token by token.
class OneOf final : public TokenConstraint {
 public:
  explicit OneOf(std::vector<std::vector<int32_t>> texts) : texts_(std::move(texts)) {}
  void mask(std::span<uint64_t> allowed) override {
    std::ranges::fill(allowed, 0);
    for (const int32_t id : next()) allowed[id / 64] |= uint64_t{1} << (id % 64);
  }
  bool may_end() const override {
    return std::ranges::any_of(texts_, [&](const auto& t) { return t.size() == at_; });
  }
  bool accept(int32_t id) override {
    if (!next().contains(id)) return false;
    std::erase_if(texts_, [&](const auto& t) { return t.size() <= at_ || t[at_] != id; });
    ++at_;
    return true;
  }
  bool finished() const override { return may_end() && next().empty(); }
  std::unique_ptr<TokenConstraint> clone() const override { return std::make_unique<OneOf>(*this); }

 private:
  std::set<int32_t> next() const {
    std::set<int32_t> ids;
    for (const auto& text : texts_) {
      if (text.size() > at_) ids.insert(text[at_]);
    }
    return ids;
  }
  std::vector<std::vector<int32_t>> texts_;
  size_t at_ = 0;
};

TEST_F(WriterTest, AConstraintDecidesWhatMayCome) {
  const auto constraint = [&] {
    return std::make_unique<OneOf>(
        std::vector<std::vector<int32_t>>{ids_of("yes"), ids_of("yes, of course"), ids_of("no")});
  };
  // The model wants to end all the time, or never.
  EXPECT_EQ(write(writer({}, constraint()), std::vector<int32_t>(9, eos_)).finish_reason,
            FinishReason::kStop);
  const Completion c =
      write(writer({.ignore_eos = true}, constraint()), ids_of("yes, of course and more of it"));
  EXPECT_EQ(c.text, "yes, of course");
  EXPECT_EQ(c.finish_reason, FinishReason::kStop);
  EXPECT_EQ(write(writer({.max_tokens = 1}, constraint()), ids_of("yes")).finish_reason,
            ids_of("yes").size() == 1 ? FinishReason::kLength : FinishReason::kLength);
  // What a constraint forbids is unlikely to the utmost.
  Writer w = writer({.logprobs = 0}, constraint());
  std::vector<float> logits = liking(eos_);
  w.write(logits);
  EXPECT_LE(w.take_delta().logprobs.at(0).token.rank, 2);
}

TEST_F(WriterTest, AConstraintBeginsAfterThinking) {
  Generate asked{.structured_output = StructuredOutput{.begins_after = ids_of("</t>")}};
  auto constraint = std::make_unique<OneOf>(std::vector<std::vector<int32_t>>{ids_of("yes")});
  std::vector<int32_t> ids = ids_of("any thing");
  for (const int32_t id : ids_of("</t>")) ids.push_back(id);
  const size_t thinking = ids.size();
  for (int i = 0; i < 9; ++i) ids.push_back(eos_);
  const Completion c = write(writer(asked, std::move(constraint)), ids);
  EXPECT_EQ(c.text, tokenizer_->decode(std::span(ids).first(thinking)) + "yes");
}

TEST_F(WriterTest, NothingEndsBeforeTheStructure) {
  const StructuredOutput after{.begins_after = ids_of("</t>")};
  const auto yes = [&] {
    return std::make_unique<OneOf>(std::vector<std::vector<int32_t>>{ids_of("yes")});
  };
  // The model wants to end while it thinks: it goes on instead.
  std::vector<int32_t> ids = ids_of("any");
  ids.push_back(eos_);
  const Completion c = write(writer({.max_tokens = 6, .structured_output = after}, yes()), ids);
  EXPECT_EQ(std::ranges::count(c.token_ids, eos_), 0);
  EXPECT_EQ(c.finish_reason, FinishReason::kAbort);
}

TEST_F(WriterTest, TheLastTokenOfAMarkerFollowsTheOthers) {
  const std::vector<int32_t> marker = ids_of("</t>");
  ASSERT_GT(marker.size(), 1u);
  auto constraint = std::make_unique<OneOf>(std::vector<std::vector<int32_t>>{ids_of("yes")});
  std::vector<int32_t> ids(marker.begin(), marker.end() - 1);
  ids.resize(20, ids_of("other").front());  // what the model likes instead
  const Completion c = write(writer({.structured_output = StructuredOutput{.begins_after = marker}},
                                    std::move(constraint)),
                             ids);
  EXPECT_EQ(c.text, tokenizer_->decode(marker) + "yes");
}

TEST_F(WriterTest, ThinkingMayBeLeftOut) {
  const StructuredOutput after{.begins_after = ids_of("</t>"), .thinking_begins = ids_of("<t>")};
  const auto answer = [&](const std::string& likes, std::vector<std::string> texts) {
    std::vector<std::vector<int32_t>> allowed;
    for (const std::string& text : texts) allowed.push_back(ids_of(text));
    std::vector<int32_t> ids = ids_of(likes);
    ids.resize(30, eos_);
    return write(writer({.structured_output = after}, std::make_unique<OneOf>(allowed)), ids).text;
  };
  EXPECT_EQ(answer("something else", {"yes"}), "yes");
  EXPECT_TRUE(answer("<t>so</t>", {"yes"}).ends_with("yes"));
  EXPECT_TRUE(answer("<t>so</t>", {"yes"}).starts_with(tokenizer_->decode(ids_of("<t>"))));
  // Where it can't be told from the structure, it is the structure.
  EXPECT_EQ(answer("<t>so</t>", {"<b>"}), tokenizer_->decode(ids_of("<b>")));
}

// A bad word of several tokens is one only when its beginning has been written.
TEST_F(WriterTest, WhereNoTokenIsLeftNothingForbiddenIsWritten) {
  const std::vector<int32_t> ids = ids_of("one two three");
  ASSERT_GT(ids.size(), 2u);
  Writer w = writer({.bad_words = {"one two three"}},
                    std::make_unique<OneOf>(std::vector<std::vector<int32_t>>{ids}));
  std::vector<float> logits;
  for (size_t i = 0; i + 1 < ids.size(); ++i) {
    logits = liking(ids[i]);
    EXPECT_EQ(w.write(logits), ids[i]);
  }
  logits = liking(ids.back());
  try {
    w.write(logits);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(e.field(), "bad_words");
    EXPECT_THAT(e.what(), HasSubstr("no token is left after " + std::to_string(ids.size() - 1)));
  }
}

TEST_F(WriterTest, AConstraintThatLeavesNothingIsAnError) {
  Writer w = writer({}, std::make_unique<OneOf>(std::vector<std::vector<int32_t>>{}));
  std::vector<float> logits = liking(3);
  try {
    w.write(logits);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("grammar"));
  }
}

}  // namespace
}  // namespace vecton::generation
