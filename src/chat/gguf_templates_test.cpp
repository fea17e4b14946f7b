// Templates and special tokens of a GGUF file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "gguf/test_file.h"
#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace vecton::chat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class GgufTemplatesTest : public ::testing::Test {
 protected:
  ChatTemplates open(const gguf::TestFile& test) {
    folder_.write("model.gguf", test.bytes());
    return ChatTemplates::open(folder_.path() / "model.gguf");
  }
  base::TemporaryFolder folder_;
};

TEST_F(GgufTemplatesTest, AreRenderedWithTheFilesTokens) {
  const ChatTemplates templates =
      open(gguf::TestFile()
               .text("tokenizer.chat_template",
                     "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}")
               .texts("tokenizer.ggml.tokens", {"<s>", "</s>"})
               .integer("tokenizer.ggml.bos_token_id", 0)
               .integer("tokenizer.ggml.eos_token_id", 1));
  EXPECT_THAT(templates.names(), ElementsAre("default"));
  EXPECT_THAT(templates.special_tokens(),
              ElementsAre(Pair("bos_token", "<s>"), Pair("eos_token", "</s>")));
  const ChatInput input{.messages = R"([{"role":"user","content":"hello"}])"};
  EXPECT_EQ(templates.render(input), "<s>hello</s>");
}

TEST_F(GgufTemplatesTest, MayHaveNames) {
  const ChatTemplates templates = open(gguf::TestFile()
                                           .text("tokenizer.chat_template", "plain")
                                           .text("tokenizer.chat_template.tool_use", "tools"));
  EXPECT_THAT(templates.names(), ElementsAre("default", "tool_use"));
  const ChatInput input{.messages = R"([{"role":"user","content":"x"}])"};
  EXPECT_EQ(templates.render(input, "tool_use"), "tools");
}

TEST_F(GgufTemplatesTest, MayBeNone) { EXPECT_TRUE(open(gguf::TestFile()).empty()); }

TEST_F(GgufTemplatesTest, TokensThatTheVocabularyLacksAreRefused) {
  try {
    open(gguf::TestFile()
             .texts("tokenizer.ggml.tokens", {"<s>"})
             .integer("tokenizer.ggml.bos_token_id", 1));
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("tokenizer.ggml.bos_token_id: expected an integer from 0 to 0"));
  }
}

}  // namespace
}  // namespace vecton::chat
