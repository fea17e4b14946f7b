#include "cli/served_routes.h"

#include <gmock/gmock.h>

namespace vecton::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

TEST(ServedRoutes, AreThoseOfTheTasksEachOnce) {
  EXPECT_THAT(served_routes({.tasks = {Task::kClassify, Task::kTokenClassify}}),
              ElementsAre("/classify", "/predict", "/pooling", "/token_classify", "/tokenize",
                          "/detokenize"));
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
