#include "cli/served_routes.h"

#include <gmock/gmock.h>

namespace vecton::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

TEST(ServedRoutes, AreThoseOfTheTasksEachOnce) {
  EXPECT_THAT(served_routes({.tasks = {Task::kClassify, Task::kTokenClassify}}),
              ElementsAre("/classify", "/predict", "/pooling", "/tokenize", "/detokenize"));
}

TEST(ServedRoutes, OfLabels) {
  ModelInfo info{.tasks = {Task::kTokenClassify}, .labels = {"O", "B-PER"}};
  EXPECT_THAT(served_routes(info), Contains("/token_classify"));
  info.tasks = {Task::kClassify, Task::kTokenClassify};  // the labels are the texts'
  EXPECT_THAT(served_routes(info), Not(Contains("/token_classify")));
  EXPECT_THAT(served_routes(info), Not(Contains("/zero_shot_classification")));
  info.labels = {"contradiction", "ENTAILMENT"};
  EXPECT_THAT(served_routes(info), Contains("/zero_shot_classification"));
  EXPECT_THAT(served_routes({.tasks = {Task::kFillMask, Task::kTokenClassify}}),
              Not(Contains("/token_classify")));
}

TEST(ServedRoutes, OfVectors) {
  EXPECT_THAT(served_routes({.tasks = {Task::kEmbed}}), Contains("/api/embed"));
  EXPECT_THAT(served_routes({.tasks = {Task::kTokenEmbed}, .scorer = "late-interaction"}),
              Contains("/similarity_map"));
}

TEST(ServedRoutes, OfWhatGenerates) {
  const std::vector<std::string> routes =
      served_routes({.tasks = {Task::kGenerate, Task::kEmbed}, .scorer = "bi-encoder"});
  for (const char* route :
       {"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/api/chat",
        "/api/generate", "/v1/embeddings", "/score"})
    EXPECT_THAT(routes, Contains(route).Times(1));
  EXPECT_THAT(served_routes({.tasks = {Task::kEmbed}}), Not(Contains("/v1/completions")));
}

}  // namespace
}  // namespace vecton::cli
