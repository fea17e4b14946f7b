#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "server/tei.h"
#include "server/test_context.h"
#include "vecton/request.h"

namespace vecton::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Pipelines : public testing::Test {
 protected:
  int32_t id(std::string_view token) const { return *test.tokenizer->token_to_id(token); }
  // What the model makes of the one mask of a text.
  Result fillings(std::string_view read) const {
    return {.answer = Fillings{.rows = 1,
                               .columns = 2,
                               .ids = {id("the"), id("capital")},
                               .values = {0.75f, 0.25f},
                               .prompt_token_ids = test.tokenizer->encode(read).ids}};
  }

  TestContext test;
};

TEST_F(Pipelines, FillMaskReadsItsOptionsInBothPlaces) {
  test.serve({Task::kFillMask});
  for (const char* body :
       {R"({"inputs":"a [MASK]","top_k":2,"targets":["the","of"]})",
        R"({"inputs":"a [MASK]","parameters":{"top_k":2,"targets":["the","of"]}})"}) {
    const Request r = test.plan(tei::fill_mask, body).requests.at(0);
    EXPECT_EQ(task_of(r.task), Task::kFillMask);
    EXPECT_EQ(parameters<FillMask>(r).top_k, 2);
    EXPECT_THAT(parameters<FillMask>(r).targets, ElementsAre("the", "of"));
  }
  const CallPlan plain = test.plan(tei::fill_mask, R"({"inputs":"a [MASK]"})");
  EXPECT_EQ(parameters<FillMask>(plain.requests.at(0)), FillMask{});
}

TEST_F(Pipelines, FillMaskAnswersAsThePipelineDoes) {
  test.serve({Task::kFillMask});
  CallPlan plan = test.plan(tei::fill_mask, R"({"inputs":"[MASK] capital"})");
  const json::value one = json::parse(plan.render({fillings("[MASK] capital")}).body);
  ASSERT_EQ(one.as_array().size(), 2u);
  EXPECT_EQ(one.at(0).at("score"), 0.75);
  EXPECT_EQ(one.at(0).at("token"), id("the"));
  EXPECT_EQ(one.at(0).at("token_str"), "the");
  EXPECT_EQ(one.at(0).at("sequence"), "the capital");
  plan = test.plan(tei::fill_mask, R"({"inputs":["[MASK] capital","the [MASK]"]})");
  const std::vector<Result> both = {fillings("[MASK] capital"), fillings("the [MASK]")};
  EXPECT_EQ(json::parse(plan.render(both).body).at(1).at(1).at("sequence"), "the capital");
  Result two = fillings("[MASK] [MASK]");
  two.get<Fillings>().rows = 2;
  two.get<Fillings>().columns = 1;
  plan = test.plan(tei::fill_mask, R"({"inputs":"[MASK] [MASK]"})");
  EXPECT_EQ(json::parse(plan.render({two}).body).at(1).at(0).at("sequence"),
            "[CLS] [MASK] capital [SEP]");
}

// Models round their vocabulary up.
TEST_F(Pipelines, FillMaskAnswersWithRowsThatAreNoTokens) {
  test.serve({Task::kFillMask});
  CallPlan plan = test.plan(tei::fill_mask, R"({"inputs":"[MASK] capital"})");
  Result result = fillings("[MASK] capital");
  std::vector<int32_t>& ids = result.get<Fillings>().ids;
  ids[1] = static_cast<int32_t>(test.tokenizer->vocab_size()) + 3;
  const json::value answer = json::parse(plan.render({result}).body);
  EXPECT_EQ(answer.at(1).at("token"), ids[1]);
  EXPECT_EQ(answer.at(1).at("token_str"), "");
  EXPECT_EQ(answer.at(1).at("sequence"), "capital");
}

TEST_F(Pipelines, FillMaskRefuses) {
  const auto status = [&](std::string_view body) {
    return tei::refuse(failure_of(test, tei::fill_mask, body), 48).status;
  };
  EXPECT_EQ(status(R"({"inputs":"a"})"), 424);
  test.serve({Task::kFillMask});
  EXPECT_EQ(status(R"({"inputs":[]})"), 400);
  for (const char* body :
       {R"({})", R"({"inputs":"a","top_k":0})", R"({"inputs":"a","targets":[1]})",
        R"({"inputs":"a","parameters":[]})", R"({"inputs":"a","parameters":{"top_k":"x"}})"}) {
    EXPECT_EQ(status(body), 422) << body;
  }
}

TEST_F(Pipelines, TokenClassesAreEntities) {
  test.serve({Task::kTokenClassify});
  test.info.labels = {"O", "B-LOC"};
  CallPlan plan =
      test.plan(tei::token_classify, R"({"inputs":"\u00e9 Paris","aggregation_strategy":"none"})");
  EXPECT_EQ(parameters<TokenClassify>(plan.requests.at(0)).use_activation, true);
  Result result = label_result({0.75f, 0.25f, 0.25f, 0.75f}, 2);
  result.get<Labels>().tokens = {{.id = 1, .begin = 0, .end = 2}, {.id = 2, .begin = 3, .end = 8}};
  EXPECT_EQ(plan.render({result}).body,
            R"([{"entity":"B-LOC","score":0.75,"word":"Paris","start":2,"end":7}])");
  plan = test.plan(tei::token_classify, R"({"inputs":["\u00e9 Paris"]})");
  EXPECT_EQ(plan.render({result}).body,
            R"([[{"entity_group":"LOC","score":0.75,"word":"Paris","start":2,"end":7}]])");
  const HttpResponse odd = tei::refuse(
      failure_of(test, tei::token_classify, R"({"inputs":"a","aggregation_strategy":"odd"})"), 48);
  EXPECT_EQ(odd.status, 422);
  EXPECT_THAT(odd.body, HasSubstr("'average'"));
}

// A masked language model answers token by token too, in the places of its vocabulary.
TEST_F(Pipelines, TokensWithoutLabelsAreNoEntities) {
  test.serve({Task::kFillMask, Task::kTokenClassify});
  const Failure failure = failure_of(test, tei::token_classify, R"({"inputs":"a"})");
  EXPECT_EQ(tei::refuse(failure, 48).status, 424);
  EXPECT_THAT(failure.message, HasSubstr("labels"));
  const Labels labels{.rows = 1, .columns = 2, .values = {0.5f, 0.5f}};
  EXPECT_THROW(find_entities(labels, "a", *test.tokenizer, {}, Aggregation::kNone), Error);
}

}  // namespace
}  // namespace vecton::server
