#include "engine/retrieval_prompts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/temporary_folder.h"
#include "vecton/error.h"

namespace vecton::engine {
namespace {

using ::testing::HasSubstr;

std::string query(std::string_view text) { return "<s>Question: " + std::string(text) + "<pad>"; }
std::string document(std::string_view images, std::string_view) {
  return std::string(images) + "<s>Describe the image.\n";
}

class RetrievalPrompts : public ::testing::Test {
 protected:
  std::string refusal_of(const std::string& settings) const {
    std::ofstream(folder_.path() / "processor_config.json") << settings;
    try {
      check_retrieval_prompts(
          folder_.path(),
          {.markup = "<image>", .retrieval = {.query = query, .document = document}});
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }

  base::TemporaryFolder folder_;
};

TEST_F(RetrievalPrompts, ThoseOfTheProcessorsAreTaken) {
  EXPECT_EQ(refusal_of(R"({"processor_class": "ColPaliProcessor"})"), "none");
  EXPECT_EQ(refusal_of(R"({"query_prefix": "Question: ",
                           "visual_prompt_prefix": "Describe the image."})"),
            "none");
  EXPECT_EQ(refusal_of(R"({"query_prefix": null, "visual_prompt_prefix": "<image>"})"), "none");
}

TEST_F(RetrievalPrompts, OthersAreRefusedByName) {
  EXPECT_THAT(refusal_of(R"({"query_prefix": "Query: "})"),
              HasSubstr("query_prefix is \"Query: \""));
  EXPECT_THAT(refusal_of(R"({"query_prefix": "Question"})"), HasSubstr("<s>Question: ..."));
  EXPECT_THAT(refusal_of(R"({"visual_prompt_prefix": "What is this?"})"),
              HasSubstr("visual_prompt_prefix is \"What is this?\""));
}

}  // namespace
}  // namespace vecton::engine
