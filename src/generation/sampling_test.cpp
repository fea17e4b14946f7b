#include "generation/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "generation/random.h"

namespace vecton::generation {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Logits of these probabilities.
std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities)
    logits.push_back(p == 0 ? kNever : static_cast<float>(std::log(p)));
  return logits;
}

std::vector<int32_t> ids_of(const std::vector<Candidate>& all) {
  std::vector<int32_t> ids;
  for (const Candidate& c : all) ids.push_back(c.id);
  return ids;
}

// The distribution as the words of the definitions have it: sorted, one step after the other.
std::map<int32_t, double> exact(const std::vector<float>& logits, const Sampling& s) {
  std::vector<std::pair<double, int32_t>> all;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] != kNever) all.emplace_back(logits[i] / s.temperature, static_cast<int32_t>(i));
  }
  std::ranges::sort(all, std::greater<>());
  const double best = all.front().first;
  if (s.min_p > 0)
    std::erase_if(all, [&](const auto& x) { return x.first < best + std::log(s.min_p); });
  if (s.top_k > 0 && s.top_k < std::ssize(all)) {
    const double least = all[static_cast<size_t>(s.top_k - 1)].first;
    std::erase_if(all, [&](const auto& x) { return x.first < least; });
  }
  double sum = 0;
  for (const auto& [x, id] : all) sum += std::exp(x - best);
  std::vector<std::pair<double, int32_t>> kept;
  double below = 0;  // from the least likely on
  for (auto at = all.rbegin(); at != all.rend(); ++at) {
    below += std::exp(at->first - best) / sum;
    if (below > 1 - s.top_p || at + 1 == all.rend()) kept.push_back(*at);
  }
  double left = 0;
  for (const auto& [x, id] : kept) left += std::exp(x - best);
  std::map<int32_t, double> result;
  for (const auto& [x, id] : kept) result[id] = std::exp(x - best) / left;
  return result;
}

// Draws often and compares counts with the exact probabilities: Pearson's test, at a level of one
// in 10,000 by Wilson and Hilferty's approximation.
void expect_distribution(const std::vector<float>& logits, const Sampling& sampling) {
  const std::map<int32_t, double> want = exact(logits, sampling);
  constexpr int kDraws = 5000;
  std::map<int32_t, double> counts;
  for (int i = 0; i < kDraws; ++i) ++counts[sample(logits, sampling, static_cast<uint64_t>(i))];
  double chi = 0, rest_want = 0, rest_count = 0;
  int cells = 0;
  for (const auto& [id, p] : want) {
    if (p * kDraws < 5) {  // rare ones together
      rest_want += p * kDraws;
      rest_count += counts[id];
    } else {
      chi += std::pow(counts[id] - p * kDraws, 2) / (p * kDraws);
      ++cells;
    }
    counts.erase(id);
  }
  for (const auto& [id, count] : counts) EXPECT_EQ(count, 0) << "token " << id << " is left out";
  if (rest_want > 5) {
    chi += std::pow(rest_count - rest_want, 2) / rest_want;
    ++cells;
  }
  const double k = cells - 1;
  if (k < 1) return;
  const double limit = k * std::pow(1 - 2 / (9 * k) + 3.72 * std::sqrt(2 / (9 * k)), 3);
  EXPECT_LT(chi, limit) << k << " degrees of freedom";
}

std::vector<float> random_logits(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> logits(size);
  for (float& x : logits) x = normal(random);
  return logits;
}

TEST(Sampling, EveryKnobGivesItsDistribution) {
  const std::vector<float> logits = random_logits(40, 1);
  const Sampling knobs[] = {
      {},
      {.temperature = 0.5},
      {.temperature = 1.7},
      {.top_k = 1},
      {.top_k = 7},
      {.top_k = 1000},
      {.top_p = 0.3},
      {.top_p = 0.9},
      {.min_p = 0.05},
      {.min_p = 1},
      {.temperature = 0.7, .top_k = 20, .top_p = 0.8},
      {.temperature = 1.3, .top_k = 30, .top_p = 0.95, .min_p = 0.02},
  };
  uint64_t seed = 0;
  for (Sampling s : knobs) {
    s.seed = ++seed;
    SCOPED_TRACE(seed);
    expect_distribution(logits, s);
  }
}

TEST(Sampling, SeedsAreIndependent) {
  // The same position, another seed each time.
  const std::vector<float> logits = logits_of({0.1, 0.2, 0.3, 0.4});
  std::vector<double> counts(4);
  for (uint64_t seed = 0; seed < 20000; ++seed)
    ++counts[static_cast<size_t>(sample(logits, {.seed = seed}, 7))];
  for (size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(counts[i] / 20000, 0.1 * static_cast<double>(i + 1), 0.015);
}

TEST(Sampling, TopPIsOfWhatTopKLeaves) {
  const std::vector<float> logits = logits_of({.40, .35, .25});
  EXPECT_THAT(ids_of(candidates(logits, {.top_k = 2, .top_p = .5})), ElementsAre(0));
  EXPECT_THAT(ids_of(candidates(logits, {.top_p = .5})), ElementsAre(0, 1));
}

TEST(Sampling, TheTokenThatCrossesTopPStays) {
  const std::vector<float> logits = logits_of({.5, .3, .2});
  EXPECT_THAT(ids_of(candidates(logits, {.top_p = .6})), ElementsAre(0, 1));
  EXPECT_THAT(ids_of(candidates(logits, {.top_p = .01})), ElementsAre(0));
  EXPECT_THAT(ids_of(candidates(logits, {.top_p = 1})), ElementsAre(0, 1, 2));
}

TEST(Sampling, TiesWithTheLastOfTopKStay) {
  EXPECT_THAT(ids_of(candidates(logits_of({.1, .3, .1, .3, .1, .1}), {.top_k = 3})),
              ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(ids_of(candidates(logits_of({.1, .3, .2, .3, .1}), {.top_k = 3})),
              ElementsAre(1, 2, 3));
}

TEST(Sampling, MinPIsOfTheDistributionAfterTemperature) {
  const std::vector<float> logits = logits_of({.8, .2});  // ratio 1/4
  EXPECT_THAT(ids_of(candidates(logits, {.min_p = 0.3})), ElementsAre(0));
  EXPECT_THAT(ids_of(candidates(logits, {.temperature = 2, .min_p = 0.3})), ElementsAre(0, 1));
}

TEST(Sampling, CandidatesAreExact) {
  for (unsigned round = 0; round < 200; ++round) {
    std::mt19937 random(round);
    std::vector<float> logits = random_logits(1 + random() % 50, round);
    for (float& x : logits) {
      if (random() % 3 == 0) x = std::round(x);  // equal ones
      if (random() % 9 == 0) x = kNever;
    }
    logits.front() = 1;
    Sampling s{.temperature = 0.3 + (random() % 20) / 10.0};
    s.top_k = random() % 2 ? random() % 12 : 0;
    // Ties at the border of top_p may go either way: none of them here.
    s.min_p = random() % 2 ? (random() % 10) / 10.0 : 0;
    const std::map<int32_t, double> want = exact(logits, s);
    const std::vector<Candidate> got = candidates(logits, s);
    ASSERT_EQ(got.size(), want.size());
    for (const Candidate& c : got) ASSERT_NEAR(c.probability, want.at(c.id), 1e-9);
  }
}

TEST(Sampling, GreedyTakesTheFirstOfTheBest) {
  const std::vector<float> logits{1, 3, 3, kNever};
  EXPECT_EQ(argmax(logits), 1);
  EXPECT_EQ(sample(logits, {.temperature = 0}, 0), 1);
  EXPECT_EQ(argmax(std::vector<float>{kNever, kNever}), -1);
  std::mt19937 random(3);
  for (const size_t size : {1, 15, 17, 4095, 4096, 4097, 10000}) {
    for (int i = 0; i < 20; ++i) {
      std::vector<float> many(size, NAN);
      for (float& x : many) {
        if (random() % 4 > 0) x = static_cast<float>(random() % (i % 2 ? 20 : 20000)) - 9.5f;
      }
      many[random() % size] = kNever;
      int32_t first = -1;
      for (size_t at = 0; at < size; ++at) {
        if (many[at] > (first < 0 ? kNever : many[static_cast<size_t>(first)]))
          first = static_cast<int32_t>(at);
      }
      EXPECT_EQ(argmax(many), first) << size;
    }
  }
  EXPECT_EQ(argmax(std::vector<float>{NAN, NAN}), -1);
  EXPECT_EQ(sample(std::vector<float>{kNever}, {}, 0), -1);
}

struct Adjusted {
  std::vector<float> logits{0, 1, -1, 2};
  Sampling sampling{};
  std::vector<int32_t> prompt{}, completion{}, never{};

  std::vector<float> get() {
    History history(prompt, sampling);
    for (const int32_t id : completion) history.add(id);
    adjust(logits, sampling, history, never);
    return logits;
  }
};

TEST(Sampling, RepetitionPenaltyIsOfPromptAndCompletion) {
  Adjusted of{.sampling = {.repetition_penalty = 2}, .prompt = {1, 2, 2}, .completion = {3, 3, 1}};
  EXPECT_THAT(of.get(), ElementsAre(0, 0.5f, -2, 1));
}

TEST(Sampling, RepetitionPenaltyMayLookAtTheLastTokensAlone) {
  const auto adjusted = [](int64_t size) {
    Adjusted of{
        .logits = {1, 1, 1, 1, 1},
        .sampling = {.repetition_penalty = 2, .repetition_context_size = size},
        .prompt = {0, 1, 2},
        .completion = {3, 3},
    };
    return of.get();
  };
  EXPECT_THAT(adjusted(1), ElementsAre(1, 1, 1, 0.5f, 1));
  EXPECT_THAT(adjusted(2), ElementsAre(1, 1, 1, 0.5f, 1));
  EXPECT_THAT(adjusted(3), ElementsAre(1, 1, 0.5f, 0.5f, 1));
  EXPECT_THAT(adjusted(4), ElementsAre(1, 0.5f, 0.5f, 0.5f, 1));
  for (const int64_t all : {int64_t{5}, int64_t{6}, std::numeric_limits<int64_t>::max()})
    EXPECT_THAT(adjusted(all), ElementsAre(0.5f, 0.5f, 0.5f, 0.5f, 1)) << all;
}

TEST(Sampling, ExtremeRepetitionPenaltiesLeaveNumbers) {
  for (const double penalty : {5e-324, 1e308}) {
    Adjusted of{.logits = {0, 1, kNever, 2},
                .sampling = {.repetition_penalty = penalty},
                .prompt = {0, 1, 2, 3}};
    const std::vector<float> adjusted = of.get();
    EXPECT_EQ(adjusted[2], kNever);
    for (const int i : {0, 1, 3}) EXPECT_TRUE(std::isfinite(adjusted[i])) << penalty << ' ' << i;
    EXPECT_GE(sample(adjusted, {.temperature = 0.01}, 0), 0);
  }
}

TEST(Sampling, FrequencyAndPresencePenaltiesAreOfTheCompletion) {
  Adjusted of{.sampling = {.presence_penalty = 0.5, .frequency_penalty = 0.25},
              .prompt = {1, 2},
              .completion = {3, 3, 0}};
  EXPECT_THAT(of.get(), ElementsAre(-0.75f, 1, -1, 1));
}

TEST(Sampling, BiasComesBeforePenalties) {
  Adjusted of{.sampling = {.repetition_penalty = 2, .logit_bias = {{2, 3.0f}}}, .prompt = {2}};
  EXPECT_THAT(of.get(), ElementsAre(0, 1, 1, 2));  // (-1 + 3) / 2
}

TEST(Sampling, BadWordsEndWhereTheyWouldBeComplete) {
  Adjusted of{.sampling = {.bad_words = {{3}, {0, 1}, {2, 2}}}, .completion = {2, 0}};
  EXPECT_THAT(of.get(), ElementsAre(0, kNever, -1, kNever));
  Adjusted first{.sampling = {.bad_words = {{0, 1}}}};
  EXPECT_THAT(first.get(), ElementsAre(0, 1, -1, 2));
  // The prompt is not part of a bad word.
  Adjusted prompted{.sampling = {.bad_words = {{0, 1}}}, .prompt = {0}};
  EXPECT_THAT(prompted.get(), ElementsAre(0, 1, -1, 2));
}

TEST(Sampling, AllowedIdsAndEndsThatAreTooEarly) {
  Adjusted of{.sampling = {.allowed_token_ids = std::vector<int32_t>{1, 3}}, .never = {3}};
  EXPECT_THAT(of.get(), ElementsAre(kNever, 1, kNever, kNever));
}

TEST(Sampling, WhatIsForbiddenIsNeverChosen) {
  Adjusted of{.sampling = {.allowed_token_ids = std::vector<int32_t>{3}}, .never = {3}};
  EXPECT_THAT(of.get(), Each(kNever));
  EXPECT_EQ(sample(of.get(), {.temperature = 0}, 0), -1);
  EXPECT_EQ(sample(of.get(), {}, 0), -1);
}

TEST(Sampling, Masks) {
  std::vector<float> logits(70, 1);
  const uint64_t allowed[] = {uint64_t{1} << 63, 0b100};
  mask(logits, allowed);
  for (size_t i = 0; i < logits.size(); ++i)
    EXPECT_EQ(logits[i], i == 63 || i == 66 ? 1 : kNever) << i;
}

TEST(Sampling, NothingIsDoneWhereNothingIsAsked) {
  EXPECT_TRUE(leaves_alone({}));
  EXPECT_TRUE(leaves_alone({.temperature = 0.3, .top_k = 3, .top_p = 0.5, .min_p = 0.1}));
  EXPECT_FALSE(leaves_alone({.repetition_penalty = 1.1}));
  EXPECT_FALSE(leaves_alone({.presence_penalty = 1}));
  EXPECT_FALSE(leaves_alone({.frequency_penalty = 1}));
  EXPECT_FALSE(leaves_alone({.logit_bias = {{1, 1.0f}}}));
  EXPECT_FALSE(leaves_alone({.bad_words = {{1}}}));
  EXPECT_FALSE(leaves_alone({.allowed_token_ids = std::vector<int32_t>{1}}));
}

}  // namespace
}  // namespace vecton::generation
