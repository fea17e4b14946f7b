#include "engine/best_of.h"

#include <gmock/gmock.h>

namespace vecton::engine {
namespace {

Completion said(const std::string& text, size_t tokens, double logprob) {
  return {
      .text = text, .token_ids = std::vector<int32_t>(tokens, 1), .cumulative_logprob = logprob};
}

std::vector<std::string> texts_of(const Generation& generation) {
  std::vector<std::string> texts;
  for (const Completion& c : generation.completions) texts.push_back(c.text);
  return texts;
}

TEST(KeepBest, OrdersByLogProbabilityPerToken) {
  Generation generation{.completions = {said("long", 10, -5), said("none", 0, 0),
                                        said("short", 2, -4), said("same", 4, -2)}};
  generation.completions[3].index = 3;
  keep_best(generation, 3);
  EXPECT_THAT(texts_of(generation), testing::ElementsAre("long", "same", "short"));
  EXPECT_EQ(generation.completions[1].index, 1);
  keep_best(generation, 1);
  EXPECT_THAT(texts_of(generation), testing::ElementsAre("long"));
  keep_best(generation, 5);
  EXPECT_EQ(generation.completions.size(), 1u);
}

}  // namespace
}  // namespace vecton::engine
