#include "engine/prompts.h"

#include <gtest/gtest.h>

namespace vecton::engine {
namespace {

ModelInfo with(std::vector<std::pair<std::string, std::string>> prompts) {
  ModelInfo model;
  model.prompts = std::move(prompts);
  return model;
}

std::string name_of(const std::optional<ChosenPrompt>& chosen) {
  return chosen && chosen->prompt_name ? *chosen->prompt_name : "";
}

TEST(Prompts, AreFoundByNameWithoutCaseAndByRole) {
  const ModelInfo model = with({{"query", "q: "}, {"Passage", "p: "}, {"QUERY", "Q: "}});
  EXPECT_EQ(name_of(find_prompt(model, "QUERY")), "QUERY");
  EXPECT_EQ(name_of(find_prompt(model, "Query")), "query");
  EXPECT_EQ(name_of(find_prompt(model, "passage")), "Passage");
  EXPECT_EQ(name_of(find_prompt(model, "search_document")), "Passage");
  EXPECT_EQ(name_of(find_prompt(model, "retrieval.query")), "query");
  EXPECT_EQ(name_of(find_prompt(model, "RETRIEVAL_DOCUMENT")), "Passage");
  EXPECT_FALSE(find_prompt(model, "clustering"));
  EXPECT_FALSE(find_prompt(with({}), "query"));
}

TEST(Prompts, LateInteractionHasRoles) {
  ModelInfo model;
  model.scorer = "late-interaction";
  EXPECT_EQ(find_prompt(model, "search_query")->role, Role::kQuery);
  EXPECT_EQ(find_prompt(model, "Document")->role, Role::kDocument);
}

// A Router: modules of their own for queries and documents.
TEST(Prompts, AreRolesWhereTheModelTellsTextsApartWithoutThem) {
  ModelInfo model = with({{"query", "q: "}});
  model.roles = true;
  EXPECT_EQ(name_of(find_task_prompt(model, "search_query")), "query");
  const auto document = find_task_prompt(model, "search_document");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->role, Role::kDocument);
  EXPECT_FALSE(document->ignored);
  model.prompts.clear();
  EXPECT_EQ(find_prompt(model, "Query")->role, Role::kQuery);
}

TEST(Prompts, WordsOfApisChangeNothingWithoutPrompts) {
  for (const ModelInfo& model : {with({}), with({{"query", ""}, {"document", ""}})}) {
    for (const char* word : {"search_document", "search_query", "classification", "clustering",
                             "retrieval.passage", "text-matching", "separation", "Clustering"}) {
      const auto chosen = find_task_prompt(model, word);
      ASSERT_TRUE(chosen) << word;
      EXPECT_TRUE(chosen->ignored || model.prompts.size() == 2) << word;
    }
    EXPECT_FALSE(find_task_prompt(model, "nonexistent_type"));
    EXPECT_FALSE(find_task_prompt(model, ""));
  }
}

TEST(Prompts, DocumentsAreBareWhereQueriesAloneHaveAPrompt) {
  const ModelInfo model = with({{"query", "Represent this: "}});
  EXPECT_TRUE(find_task_prompt(model, "search_document")->ignored);
  EXPECT_EQ(name_of(find_task_prompt(model, "search_query")), "query");
  EXPECT_FALSE(find_task_prompt(model, "clustering"));  // which of its texts these are is not known
  EXPECT_FALSE(find_task_prompt(with({{"s2p_query", "x"}}), "search_query"));
}

}  // namespace
}  // namespace vecton::engine
