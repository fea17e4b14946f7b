// What all dialects share: what the model does and is called, which texts are too many, which
// failures there are; and TEI's words for a model.
#include "server/dialect.h"

#include <gmock/gmock.h>

#include <limits>
#include <set>

#include "server/tei.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string refused(const std::function<void()>& call, Cause cause) {
  try {
    call();
  } catch (const Failure& failure) {
    EXPECT_EQ(to_string(failure.cause), std::string(to_string(cause)));
    return failure.message;
  }
  return "nothing was refused";
}

TEST(Dialect, AModelDoesItsTasksAndWhatItsScorerCan) {
  TestContext test;
  EXPECT_TRUE(does(test.info, Task::kEmbed));
  EXPECT_FALSE(does(test.info, Task::kScore));
  EXPECT_EQ(task_names(test.info), "embed, token_embed");
  test.serve({Task::kEmbed}, "bi-encoder");
  EXPECT_TRUE(does(test.info, Task::kScore));
  EXPECT_EQ(task_names(test.info), "embed, score");
  EXPECT_FALSE(is_reranker(test.info));
  for (const char* scorer : {"cross-encoder", "late-interaction"}) {
    test.serve({Task::kTokenEmbed}, scorer);
    EXPECT_TRUE(is_reranker(test.info)) << scorer;
  }
}

TEST(Dialect, OtherTasksAreRefusedWithThoseThatThereAre) {
  TestContext test;
  EXPECT_EQ(refused([&] { require_task(test.info, Task::kClassify); }, Cause::kTask),
            "Unsupported task: 'classify'. The loaded model supports: embed, token_embed.");
  EXPECT_EQ(refused([&] { refuse_task(test.info, "summarize"); }, Cause::kTask),
            "Unsupported task: 'summarize'. The loaded model supports: embed, token_embed.");
  EXPECT_NO_THROW(require_task(test.info, Task::kEmbed));
  EXPECT_EQ(refused([&] { require_route(test.info, Task::kClassify); }, Cause::kRoute),
            refused([&] { require_task(test.info, Task::kClassify); }, Cause::kTask));
  EXPECT_NO_THROW(require_route(test.info, Task::kEmbed));
  test.serve({Task::kTokenClassify});
  EXPECT_THAT(refused([&] { require_task(test.info, Task::kClassify); }, Cause::kTask),
              HasSubstr("ask /pooling for the task 'token_classify'."));
  test.serve({Task::kClassify});
  EXPECT_THAT(refused([&] { require_task(test.info, Task::kTokenClassify); }, Cause::kTask),
              HasSubstr("ask /pooling for the task 'classify'."));
}

TEST(Dialect, LabelsHaveNamesOrNone) {
  TestContext test;
  test.info.labels = {"no", "yes"};
  EXPECT_EQ(label_of(test.info, 0), "no");
  EXPECT_EQ(label_of(test.info, 1), "yes");
  for (const int64_t id : {int64_t{-1}, int64_t{2}, std::numeric_limits<int64_t>::max(),
                           std::numeric_limits<int64_t>::min()})
    EXPECT_EQ(label_of(test.info, id), "") << id;
}

TEST(Dialect, BatchesAreBounded) {
  TestContext test;
  for (const size_t count : {0, 1, 3}) EXPECT_NO_THROW(check_batch_size(test.context, count));
  EXPECT_EQ(refused([&] { check_batch_size(test.context, 4, "texts"); }, Cause::kBatchSize),
            "batch size 4 > maximum allowed batch size 3");
}

TEST(Dialect, RankingsGoByLogitAndKeepTheOrderOfEquals) {
  const auto order = [](const std::vector<float>& logits) {
    std::vector<Result> results;
    for (const float logit : logits) results.push_back(score_result(1, logit));
    return best_first(results);
  };
  EXPECT_THAT(order({}), IsEmpty());
  EXPECT_THAT(order({20, 21, 19}), ElementsAre(1, 0, 2));  // their probabilities are all 1
  EXPECT_THAT(order({1, 2, 1, 2}), ElementsAre(1, 3, 0, 2));
  EXPECT_THAT(order({-0.0f, 0.0f}), ElementsAre(0, 1));
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinite = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, infinite, -infinite}) {
    EXPECT_EQ(refused(
                  [&] {
                    order({1, bad});
                  },
                  Cause::kInternal),
              "the model gave a score that is not finite");
  }
}

TEST(Dialect, TextsAreCutBetweenCharacters) {
  TestContext test;
  std::string text = "one two three four five six seven eight";
  const std::string whole = text;
  EXPECT_FALSE(cut_text(*test.tokenizer, text, 0));
  EXPECT_FALSE(cut_text(*test.tokenizer, text, -1));
  EXPECT_FALSE(cut_text(*test.tokenizer, text, 10'000));
  EXPECT_EQ(text, whole);
  for (int64_t most = 1; most < 12; ++most) {
    std::string cut = "näive 日本 🙂 text " + whole;
    const std::string before = cut;
    if (!cut_text(*test.tokenizer, cut, most)) continue;
    EXPECT_LT(cut.size(), before.size());
    EXPECT_TRUE(before.starts_with(cut));
    const Encoding encoding = test.tokenizer->encode(cut, {.add_special_tokens = false});
    EXPECT_LE(static_cast<int64_t>(encoding.ids.size()), most) << cut;
  }
}

TEST(Dialect, AModelIsNeverShownByItsPath) {
  TestContext test;
  EXPECT_EQ(shown_name(test.context), "tiny");
  test.names = {"org/tiny", "small"};
  Context named = test.context;
  named.public_name = "tiny-model";
  EXPECT_EQ(shown_name(named), "tiny-model");
  named.public_name.clear();
  EXPECT_EQ(shown_name(named), "org/tiny");
}

// --- Failures.

TEST(Failures, EveryCauseHasANameInTheMetrics) {
  std::set<std::string> names;
  for (int cause = 0; cause <= static_cast<int>(Cause::kInternal); ++cause)
    EXPECT_TRUE(names.insert(to_string(static_cast<Cause>(cause))).second) << cause;
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(Failures, OfTheEngineHaveTheirCauses) {
  const std::pair<ErrorCode, Cause> rows[] = {{ErrorCode::kInvalidArgument, Cause::kInvalid},
                                              {ErrorCode::kNotFound, Cause::kInvalid},
                                              {ErrorCode::kTooLong, Cause::kTooLong},
                                              {ErrorCode::kUnsupported, Cause::kTask},
                                              {ErrorCode::kQueueFull, Cause::kQueueFull},
                                              {ErrorCode::kCancelled, Cause::kUnavailable},
                                              {ErrorCode::kUnauthorized, Cause::kInternal},
                                              {ErrorCode::kCorrupt, Cause::kInternal},
                                              {ErrorCode::kIo, Cause::kInternal},
                                              {ErrorCode::kNetwork, Cause::kInvalid},
                                              {ErrorCode::kInternal, Cause::kInternal}};
  for (const auto& [code, cause] : rows) {
    const Failure failure(Error(code, "words", "field"));
    EXPECT_EQ(to_string(failure.cause), std::string(to_string(cause))) << to_string(code);
    EXPECT_STREQ(failure.what(), "words");
    EXPECT_EQ(failure.param, "field");
  }
}

TEST(Failures, OfSeveralFieldsSpeakOfTheFirst) {
  const Failure failure({{"body.a", "missing", "is needed"}, {"body.b", "type", "is wrong"}});
  EXPECT_EQ(failure.message, "body.a: is needed");
  EXPECT_EQ(failure.param, "body.a");
  EXPECT_EQ(failure.problems.size(), 2u);
}

// --- TEI's /info.

class TeiInfo : public testing::Test {
 protected:
  json::value info(int workers = 2) {
    const ListedModel listed = test_.listed();
    return json::parse(tei::info({&listed, 1}, workers).body);
  }
  std::string type() { return json::serialize(info().at("model_type")); }
  TestContext test_;
};

TEST_F(TeiInfo, HasTheLimitsInForce) {
  test_.info.max_batch_tokens = 777;
  test_.options.max_connections = 9;
  test_.options.auto_truncate = true;
  const json::value found = info(5);
  EXPECT_EQ(found.at("model_id"), "org/tiny");
  EXPECT_EQ(found.at("served_model_name"), "tiny");
  EXPECT_EQ(found.at("max_input_length"), 48);
  EXPECT_EQ(found.at("max_batch_tokens"), 777);
  EXPECT_EQ(found.at("max_client_batch_size"), 3);
  EXPECT_EQ(found.at("max_concurrent_requests"), 9);
  EXPECT_EQ(found.at("auto_truncate"), true);
  EXPECT_EQ(found.at("tokenization_workers"), 5);
  EXPECT_EQ(found.at("version"), version());
}

TEST_F(TeiInfo, OfSeveralModelsHasTheFirstAndAList) {
  EXPECT_FALSE(info().as_object().contains("models"));
  const std::vector<std::string> other = {"other"}, gone = {"gone"};
  const std::string root = "org/other";
  const std::vector<ListedModel> models = {
      test_.listed(),
      {test_.options, other, root, nullptr, ModelState::kSleeping},
      {test_.options, gone, root, nullptr, ModelState::kUnloaded}};
  const json::value found = json::parse(tei::info(models, 2).body);
  EXPECT_EQ(found.at("served_model_name"), "tiny");
  ASSERT_EQ(found.at("models").as_array().size(), 2u);
  EXPECT_EQ(found.at("models").at(0).at("max_input_length"), 48);
  EXPECT_EQ(found.at("models").at(1).at("served_model_name"), "other");
}

TEST_F(TeiInfo, NamesThePoolingInItsWords) {
  for (const auto& [pooling, name] : {std::pair{"MEAN", "mean"},
                                      {"CLS", "cls"},
                                      {"LAST", "last_token"},
                                      {"MAX+MEAN", "max+mean"}}) {
    test_.info.pooling = pooling;
    EXPECT_EQ(type(), std::string(R"({"embedding":{"pooling":")") + name + "\"}}");
  }
  test_.serve({Task::kSparseEmbed}, "bi-encoder");
  EXPECT_EQ(type(), R"({"embedding":{"pooling":"splade"}})");
  test_.serve({Task::kTokenEmbed}, "late-interaction");
  EXPECT_EQ(type(), R"({"embedding":{"pooling":"colbert"}})");
}

TEST_F(TeiInfo, ClassifiersAndRerankersHaveLabels) {
  test_.serve({Task::kClassify});
  test_.info.labels = {"no", "yes"};
  EXPECT_EQ(type(),
            R"({"classifier":{"id2label":{"0":"no","1":"yes"},"label2id":{"no":0,"yes":1}}})");
  test_.serve({Task::kScore, Task::kClassify}, "cross-encoder");
  test_.info.labels = {"LABEL_0"};
  EXPECT_EQ(type(), R"({"reranker":{"id2label":{"0":"LABEL_0"},"label2id":{"LABEL_0":0}}})");
  test_.info.labels = {"true", "1"};  // not names in config.json, but a boolean and a number
  test_.info.labels_are_names = {false, false};
  EXPECT_THAT(type(), HasSubstr(R"("id2label":{"0":true,"1":1})"));
}

TEST_F(TeiInfo, KnowsTheCommitOfASnapshot) {
  const std::string hash = "0123456789abcdef0123456789abcdef01234567";
  const auto commit = [&](const std::string& folder) {
    test_.info.folder = folder;
    return json::serialize(info().at("model_sha"));
  };
  EXPECT_EQ(commit("/hub/models--a--b/snapshots/" + hash), '"' + hash + '"');
  EXPECT_EQ(commit("/hub/models--a--b/snapshots/" + hash + "/"), '"' + hash + '"');
  const std::vector<std::string> others = {"/hub/" + hash,
                                           "/hub/snapshots/main",
                                           "model",
                                           "",
                                           "/hub/snapshots/" + hash + "0",
                                           "/hub/snapshots/" + std::string(40, 'g')};
  for (const std::string& other : others) EXPECT_EQ(commit(other), "null") << other;
}

TEST_F(TeiInfo, SimilarityIsNullWhereThereIsNone) {
  EXPECT_TRUE(info().at("similarity_fn_name").is_null());
  test_.info.similarity = "dot";
  EXPECT_EQ(info().at("similarity_fn_name"), "dot");
}

}  // namespace
}  // namespace vecton::server
