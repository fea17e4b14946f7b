#include "tokenizer/vocabulary_files.h"

#include <gtest/gtest.h>

#include <fstream>

#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace vecton::tokenizer {

namespace {

using Ids = std::vector<int32_t>;

class VocabularyFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("vocabulary_" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string refusal() const {
    try {
      Tokenizer::open(folder_);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }

  std::filesystem::path folder_;
};

TEST_F(VocabularyFiles, VocabTxtIsBertsWhereNothingElseIsSaid) {
  write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\r\n##s\n");
  const auto tokenizer = Tokenizer::open(folder_);
  EXPECT_EQ(tokenizer->encode("HELLOs x").ids, (Ids{2, 4, 5, 1, 3}));
  EXPECT_EQ(tokenizer->encode("hello", "hello").type_ids, (Ids{0, 0, 0, 1, 1}));
  EXPECT_EQ(tokenizer->special_token_id("pad_token"), 0);
  // A token of the class that the file lacks follows it.
  EXPECT_EQ(tokenizer->special_token_id("mask_token"), 6);
  EXPECT_EQ(tokenizer->encode("[MASK]").ids, (Ids{2, 6, 3}));
  EXPECT_FALSE(tokenizer->special_token_id("image_token"));
}

TEST_F(VocabularyFiles, SettingsOfTheClassCount) {
  write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\nHELLO\n");
  write("tokenizer_config.json",
        R"({"tokenizer_class":"BertTokenizerFast","do_lower_case":false,"pad_token":null,
            "image_token":"<image>","extra_special_tokens":["<more>"]})");
  const auto tokenizer = Tokenizer::open(folder_);
  EXPECT_EQ(tokenizer->encode("HELLO").ids, (Ids{2, 5, 3}));
  EXPECT_FALSE(tokenizer->special_token_id("pad_token"));
  EXPECT_EQ(tokenizer->special_tokens().at("image_token"), "<image>");
  EXPECT_EQ(tokenizer->encode("<image><more>").ids, (Ids{2, 7, 8, 3}));
}

TEST_F(VocabularyFiles, MergesAreReadStrictly) {
  write("vocab.json", R"({"a":0,"b":1,"ab":2,"<|endoftext|>":3})");
  write("merges.txt", "#version: 0.2\na b\n");
  write("tokenizer_config.json", R"({"tokenizer_class":"GPT2Tokenizer","add_eos_token":true})");
  EXPECT_EQ(Tokenizer::open(folder_)->encode("aba").ids, (Ids{2, 0, 3}));
  write("merges.txt", "a b\na b c\n");
  EXPECT_NE(refusal().find("merges.txt line 2"), std::string::npos);
  write("merges.txt", "a c\n");
  EXPECT_NE(refusal().find("\"ac\""), std::string::npos);
}

TEST_F(VocabularyFiles, TiktokenLinesUnderASentencePieceName) {
  write("tokenizer.model", "YQ== 0\nYg== 1\nYWI= 2\n");
  write("tokenizer_config.json",
        R"({"tokenizer_class":"PreTrainedTokenizerFast","added_tokens_decoder":{
            "4":{"content":"<s>","special":true}}})");
  const auto tokenizer = Tokenizer::open(folder_);
  EXPECT_EQ(tokenizer->encode("abba<s>").ids, (Ids{2, 1, 0, 4}));
  EXPECT_EQ(tokenizer->id_to_token(3), "<|reserved_token_3|>");
  write("tokenizer.model", "YQ== 0\nYg== x\n");
  EXPECT_NE(refusal().find("line 2"), std::string::npos);
}

TEST_F(VocabularyFiles, RefusalsSayWhatWouldBeTaken) {
  EXPECT_NE(refusal().find("vocab.txt, vocab.json and merges.txt"), std::string::npos);
  write("config.json", R"({"model_type":"xlm-roberta"})");
  EXPECT_NE(refusal().find("sentencepiece.bpe.model"), std::string::npos);
  write("tokenizer_config.json", R"({"tokenizer_class":"BertJapaneseTokenizer"})");
  EXPECT_NE(refusal().find("\"BertJapaneseTokenizer\" is not supported without one"),
            std::string::npos);
  EXPECT_NE(refusal().find("XLMRobertaTokenizer"), std::string::npos);
  write("tokenizer_config.json", R"({"tokenizer_class":"LlamaTokenizer"})");
  write("tokenizer.model", "neither");
  EXPECT_NE(refusal().find("tokenizer.model is not a SentencePiece model"), std::string::npos);
}

// Files of version v3 list no special tokens: they have those of Mistral Nemo.
TEST_F(VocabularyFiles, TekkenOfVersion3) {
  const auto file = [&](const std::string& version) {
    write("tekken.json",
          R"({"config":{"pattern":"\\p{L}+|\\s+","num_vocab_tokens":3,"default_vocab_size":24,)"
          R"("default_num_special_tokens":22,"version":")" +
              version +
              R"("},"vocab":[{"rank":0,"token_bytes":"YQ=="},{"rank":1,"token_bytes":"Yg=="},)"
              R"({"rank":2,"token_bytes":"Yw=="}]})");
  };
  file("v3");
  const auto tokenizer = Tokenizer::open(folder_);
  EXPECT_EQ(tokenizer->encode("ab").ids, (Ids{22, 23}));
  EXPECT_EQ(tokenizer->encode("<s>[INST]a[/INST]<pad>[TOOL_CONTENT]").ids,
            (Ids{1, 3, 22, 4, 11, 19}));
  EXPECT_EQ(tokenizer->id_to_token(21), "<SPECIAL_21>");
  EXPECT_EQ(tokenizer->vocab_size(), 24);
  file("v9");
  EXPECT_NE(refusal().find("special_tokens"), std::string::npos);
}

}  // namespace

}  // namespace vecton::tokenizer
