#include "server/tokenizer_info.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/temporary_folder.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

class TokenizerInfo : public testing::Test {
 protected:
  TokenizerInfo() { test.info.folder = folder.path().string(); }

  void write(const char* file, const std::string& text) {
    std::ofstream(folder.path() / file) << text;
  }

  std::string text() {
    const ChatTemplates templates = ChatTemplates::open(folder.path());
    return tokenizer_info({test.options, test.names, test.info, *test.tokenizer, templates}).body;
  }
  json::object answer() { return json::parse(text()).as_object(); }

  base::TemporaryFolder folder;
  TestContext test;
};

TEST_F(TokenizerInfo, IsTheFileWithoutPaths) {
  write("tokenizer_config.json", R"({"tokenizer_class":"BertTokenizer","do_lower_case":true,
      "vocab_file":"/some/folder/vocab.txt","name_or_path":"/some/folder","merges_file":null,
      "unk_token":{"__type":"AddedToken","content":"[UNK]","lstrip":false},"pad_token":"[PAD]",
      "additional_special_tokens":[{"content":"<a>"},"<b>"],"model_max_length":512,
      "added_tokens_decoder":{"0":{"content":"[PAD]","special":true}}})");
  EXPECT_EQ(json::value(answer()), json::parse(R"({"tokenizer_class":"BertTokenizer",
      "do_lower_case":true,"unk_token":"[UNK]","pad_token":"[PAD]",
      "additional_special_tokens":["<a>","<b>"],"model_max_length":512,
      "added_tokens_decoder":{"0":{"content":"[PAD]","special":true}}})"));
}

TEST_F(TokenizerInfo, LengthsWithoutALimitStayWhole) {
  write("tokenizer_config.json",
        R"({"tokenizer_class":"A","model_max_length":1000000000000000019884624838656})");
  EXPECT_EQ(text(),
            R"({"tokenizer_class":"A","model_max_length":1000000000000000019884624838656})");
}

TEST_F(TokenizerInfo, HasAClassAndALengthWithoutAFileToo) {
  const json::object found = answer();
  EXPECT_EQ(found.at("tokenizer_class"), "TokenizersBackend");
  EXPECT_EQ(found.at("model_max_length"), test.tokenizer->model_max_length());
  EXPECT_FALSE(found.contains("chat_template"));
}

TEST_F(TokenizerInfo, HasTheTemplateInForce) {
  write("tokenizer_config.json", R"({"chat_template":"of the file","eos_token":"</s>"})");
  EXPECT_EQ(answer().at("chat_template"), "of the file");
  EXPECT_EQ(answer().at("eos_token"), "</s>");
  test.options.chat_template = "of the server";
  EXPECT_EQ(answer().at("chat_template"), "of the server");
}

TEST_F(TokenizerInfo, NamesNoFolderWhereTheFileIsBroken) {
  write("tokenizer_config.json", "{");
  try {
    tokenizer_info(test.context);
    ADD_FAILURE() << "no failure";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.cause, Cause::kInternal);
    EXPECT_EQ(failure.message, "tokenizer_config.json can't be read any more");
  }
}

}  // namespace
}  // namespace vecton::server
