#include "vecton/tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "tokenizer/pipeline.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

using Ids = std::vector<int32_t>;

constexpr const char* kBert = R"({"version":"1.0",
    "truncation":{"max_length":2,"strategy":"LongestFirst","stride":0},
    "padding":{"strategy":{"Fixed":9},"direction":"Right","pad_id":0,"pad_type_id":0,"pad_token":"[PAD]"},
    "added_tokens":[
      {"id":0,"content":"[PAD]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
      {"id":3,"content":"[MASK]","single_word":false,"lstrip":true,"rstrip":false,"normalized":false,"special":true},
      {"id":9,"content":"New","single_word":true,"lstrip":false,"rstrip":false,"normalized":true,"special":false}],
    "normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},
    "post_processor":{"type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",1]},
    "decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
    "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
      "vocab":{"[PAD]":0,"[CLS]":1,"[SEP]":2,"[MASK]":3,"[UNK]":4,"a":5,"b":6,"##c":7,"hello":8}}})";

std::string without_padding() {
  std::string file = kBert;
  const size_t begin = file.find(R"("padding":)"), end = file.find(R"("added_tokens")");
  return file.erase(begin, end - begin);
}

class TokenizerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
    write("tokenizer.json", kBert);
    write("tokenizer_config.json",
          R"({"pad_token":{"content":"[PAD]"},"model_max_length":6,"padding_side":"left"})");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
  }

  std::filesystem::path folder_;
};

TEST_F(TokenizerTest, EncodesWithoutTheFilesOwnTruncationAndPadding) {
  const auto tokenizer = Tokenizer::open(folder_);
  EXPECT_EQ(tokenizer->encode("Hello bc a x").ids, (Ids{1, 8, 6, 7, 5, 4, 2}));
  EXPECT_EQ(tokenizer->encode("a", "b").ids, (Ids{1, 5, 2, 6, 2}));
  EXPECT_EQ(tokenizer->encode("a", "").ids, (Ids{1, 5, 2, 2}));
  EXPECT_EQ(tokenizer->vocab_size(), 10);
  EXPECT_EQ(tokenizer->num_special_tokens(true), 3);
  EXPECT_EQ(tokenizer->model_max_length(), 6);
  EXPECT_EQ(tokenizer->token_to_id("hello"), 8);
  EXPECT_FALSE(tokenizer->token_to_id("nothing"));
}

TEST_F(TokenizerTest, SaysWhetherTheModelTakesTypes) {
  const auto takes = [&](const char* names) {
    write("tokenizer_config.json", R"({"model_input_names":)" + std::string(names) + "}");
    const auto tokenizer = Tokenizer::open(folder_);
    EXPECT_EQ(tokenizer->encode("a", "b").type_ids, (Ids{0, 0, 0, 1, 1}));
    return tokenizer->model_takes_type_ids();
  };
  EXPECT_TRUE(takes("null"));
  EXPECT_TRUE(takes(R"(["input_ids","token_type_ids","attention_mask"])"));
  EXPECT_FALSE(takes(R"(["input_ids","attention_mask"])"));
  EXPECT_THROW(takes("[1]"), Error);
}

TEST_F(TokenizerTest, ReturnsTypesAsItsClassDoes) {
  const auto returns = [&](const char* settings, const char* config) {
    write("tokenizer_config.json", settings);
    write("config.json", config);
    return Tokenizer::open(folder_)->returns_type_ids();
  };
  EXPECT_TRUE(returns(R"({"tokenizer_class":"BertTokenizerFast"})", "{}"));
  EXPECT_TRUE(returns("{}", R"({"tokenizer_class":"ElectraTokenizer"})"));
  EXPECT_FALSE(returns(R"({"tokenizer_class":"DistilBertTokenizer"})", "{}"));
  EXPECT_TRUE(returns("{}", R"({"model_type":"distilbert"})"));  // its class is BERT's
  EXPECT_FALSE(returns(R"({"tokenizer_class":"PreTrainedTokenizerFast"})", "{}"));
  EXPECT_FALSE(returns(R"({"tokenizer_class":"BertTokenizer"})", R"({"model_type":"modernbert"})"));
  EXPECT_FALSE(returns("{}", "{}"));
  EXPECT_TRUE(returns(R"({"model_input_names":["input_ids","token_type_ids"]})", "{}"));
  EXPECT_FALSE(
      returns(R"({"tokenizer_class":"BertTokenizer","model_input_names":["input_ids"]})", "{}"));
}

TEST_F(TokenizerTest, PadsOnTheSideOfItsClass) {
  const auto pads_left = [&](const char* settings, const char* config) {
    write("tokenizer_config.json", settings);
    write("config.json", config);
    return Tokenizer::open(folder_)->pads_left();
  };
  write("tokenizer.json", without_padding());
  EXPECT_TRUE(pads_left(R"({"tokenizer_class":"GemmaTokenizer"})", "{}"));
  EXPECT_TRUE(pads_left("{}", R"({"model_type":"gemma"})"));
  EXPECT_FALSE(pads_left(R"({"tokenizer_class":"GemmaTokenizer"})", R"({"model_type":"mistral"})"));
  EXPECT_FALSE(pads_left(R"({"tokenizer_class":"GemmaTokenizer","padding_side":"right"})", "{}"));
  EXPECT_FALSE(pads_left("{}", "{}"));
}

TEST_F(TokenizerTest, SaysAtWhichEndItPadsAndCuts) {
  auto tokenizer = Tokenizer::open(folder_);
  EXPECT_TRUE(tokenizer->pads_left());
  EXPECT_FALSE(tokenizer->truncates_left());
  write("tokenizer_config.json", R"({"padding_side":"right","truncation_side":"left"})");
  tokenizer = Tokenizer::open(folder_);
  EXPECT_FALSE(tokenizer->pads_left());
  EXPECT_TRUE(tokenizer->truncates_left());
}

TEST_F(TokenizerTest, TruncatesToTheModelsLengthAndPadsOnItsSide) {
  const auto tokenizer = Tokenizer::open(folder_);
  EncodeOptions options;
  options.truncation = EncodeOptions::Truncation::kLongestFirst;
  const Encoding cut = tokenizer->encode("a a a a a a", options);
  EXPECT_EQ(cut.ids, (Ids{1, 5, 5, 5, 5, 2}));
  EXPECT_EQ(cut.truncated, 2);
  options.padding = EncodeOptions::Padding::kLongest;
  options.pad_to_multiple_of = 4;
  const std::vector<std::string> texts = {"a", "a b a"};
  const std::vector<Encoding> rows = tokenizer->encode_batch(texts, {}, options);
  EXPECT_EQ(rows[0].ids, (Ids{0, 0, 0, 0, 0, 1, 5, 2}));
  EXPECT_EQ(rows[1].attention_mask, (Ids{0, 0, 0, 1, 1, 1, 1, 1}));
}

// The first takes the spaces around it; nothing is left for those that follow.
TEST_F(TokenizerTest, TokensOfSpacesThatTakeTheirSpacesAreOne) {
  write("tokenizer.json", R"({"added_tokens":[{"id":2,"content":"  ","single_word":false,
      "lstrip":true,"rstrip":true,"normalized":false,"special":false}],
      "pre_tokenizer":{"type":"FixedLength","length":1},
      "model":{"type":"WordLevel","unk_token":"u","vocab":{"u":0,"a":1}}})");
  const auto tokenizer = Tokenizer::open(folder_);
  EXPECT_EQ(tokenizer->encode("a       a").ids, (Ids{1, 2, 1}));
  EXPECT_EQ(tokenizer->encode("  \t    ").ids, (Ids{2}));
}

TEST_F(TokenizerTest, FindsAddedTokensBeforeAndAfterNormalization) {
  const auto tokenizer = Tokenizer::open(folder_);
  EncodeOptions options;
  options.add_special_tokens = false;
  options.offsets = true;
  const Encoding encoding = tokenizer->encode("a  [MASK]NEW new newer", options);
  EXPECT_EQ(encoding.ids, (Ids{5, 3, 9, 9, 4}));
  EXPECT_EQ(encoding.offsets[1], (std::pair<uint32_t, uint32_t>(1, 9)));
  EXPECT_EQ(encoding.offsets[3], (std::pair<uint32_t, uint32_t>(13, 16)));
}

TEST_F(TokenizerTest, OffsetsAreThoseOfTheTextAsGiven) {
  const auto tokenizer = Tokenizer::open(folder_);
  EncodeOptions options;
  options.offsets = true;
  const Encoding encoding = tokenizer->encode("\xff\xff a é", options);
  ASSERT_EQ(encoding.ids, (Ids{1, 5, 4, 2}));
  EXPECT_EQ(encoding.offsets[0], (std::pair<uint32_t, uint32_t>(0, 0)));
  EXPECT_EQ(encoding.offsets[1], (std::pair<uint32_t, uint32_t>(3, 4)));
  EXPECT_EQ(encoding.offsets[2], (std::pair<uint32_t, uint32_t>(5, 7)));
}

TEST_F(TokenizerTest, Decodes) {
  const auto tokenizer = Tokenizer::open(folder_);
  const Ids ids = {1, 8, 6, 7, 0, 3, 9};
  EXPECT_EQ(tokenizer->decode(ids), "[CLS] hello bc [PAD] [MASK] new");
  EXPECT_EQ(tokenizer->decode(ids, true), "[CLS] hello bc new");
  const Ids outside = {10};
  EXPECT_THROW(tokenizer->decode(outside), Error);
}

TEST_F(TokenizerTest, GivesOffsetsInBytesAndCharactersForEachSequence) {
  const auto tokenizer = Tokenizer::open(folder_);
  EncodeOptions options;
  options.offsets = true;
  const Encoding encoding = tokenizer->encode("é a", "中 b", options);
  ASSERT_EQ(encoding.ids, (Ids{1, 4, 5, 2, 4, 6, 2}));
  EXPECT_EQ(encoding.sequences, (std::vector<int8_t>{-1, 0, 0, -1, 1, 1, -1}));
  EXPECT_EQ(encoding.offsets,
            (std::vector<Encoding::Range>{{0, 0}, {0, 2}, {3, 4}, {0, 0}, {0, 3}, {4, 5}, {0, 0}}));
  EXPECT_EQ(encoding.char_offsets,
            (std::vector<Encoding::Range>{{0, 0}, {0, 1}, {2, 3}, {0, 0}, {0, 1}, {2, 3}, {0, 0}}));
}

TEST_F(TokenizerTest, TakesSpecialTokensOfTheSettings) {
  write("tokenizer_config.json",
        R"({"mask_token":"[MASK]","unk_token":"[UNK]","additional_special_tokens":["<x>"],
            "added_tokens_decoder":{"10":{"content":"<tool>","normalized":false},
                                    "0":{"content":"[PAD]","special":true}}})");
  const auto tokenizer = Tokenizer::open(folder_);
  EncodeOptions options;
  options.add_special_tokens = false;
  EXPECT_EQ(tokenizer->encode("a[UNK]<tool> <x>", options).ids, (Ids{5, 4, 10, 11}));
  EXPECT_EQ(tokenizer->special_token_id("mask_token"), 3);
  const Ids ids = {5, 4, 10, 11};
  EXPECT_EQ(tokenizer->decode(ids, true), "a <tool>");
  write("tokenizer_config.json", R"({"split_special_tokens":true})");
  EXPECT_EQ(Tokenizer::open(folder_)->encode("[MASK]", options).ids, (Ids{4, 4, 4}));
}

TEST_F(TokenizerTest, KnowsWhatItsClassSays) {
  write("tokenizer_config.json", R"({"tokenizer_class":"BertTokenizer","max_len":7})");
  const auto bert = Tokenizer::open(folder_);
  EXPECT_EQ(bert->special_token_id("mask_token"), 3);
  EXPECT_EQ(bert->model_max_length(), 7);
  EXPECT_EQ(bert->vocab_size(), 10);
  write("tokenizer_config.json", R"({"tokenizer_class":"GemmaTokenizer","pad_token":"[PAD]"})");
  EncodeOptions options;
  options.padding = EncodeOptions::Padding::kMaxLength;
  options.max_length = 4;
  // The side of a file that was padded counts before the class's.
  EXPECT_EQ(Tokenizer::open(folder_)->encode("a", options).ids, (Ids{1, 5, 2, 0}));
  write("tokenizer.json", without_padding());
  EXPECT_EQ(Tokenizer::open(folder_)->encode("a", options).ids, (Ids{0, 1, 5, 2}));
}

TEST_F(TokenizerTest, DetokenizesIdByIdWhatDecodingGives) {
  write("tokenizer.json",
        R"({"model":{"type":"BPE","vocab":{"Ã":0,"©":1,"a":2,"Ġ":3,"<|中|>":4},"merges":[]},
            "decoder":{"type":"ByteLevel"},"added_tokens":[{"content":"<|中|>","special":true}]})");
  const auto tokenizer = Tokenizer::open(folder_);
  Detokenizer pieces(tokenizer, false);
  EXPECT_EQ(pieces.push(0), "");
  EXPECT_EQ(pieces.push(1), "é");
  EXPECT_EQ(pieces.push(4), "<|中|>");
  EXPECT_THROW(pieces.push(99), Error);
  EXPECT_EQ(pieces.push(0), "");
  EXPECT_EQ(pieces.push(2), "\uFFFDa");
  EXPECT_EQ(pieces.push(0), "");
  EXPECT_EQ(pieces.finish(), "\uFFFD");
  Detokenizer skipping(tokenizer);
  EXPECT_EQ(skipping.push(4), "");
}

TEST_F(TokenizerTest, PaddingNeedsAPadToken) {
  write("tokenizer_config.json", "{}");
  EncodeOptions options;
  options.padding = EncodeOptions::Padding::kLongest;
  EXPECT_EQ(Tokenizer::open(folder_)->encode("a", options).ids, (Ids{1, 5, 2}));  // the file's
  write("tokenizer.json", without_padding());
  EXPECT_THROW(Tokenizer::open(folder_)->encode("a", options), Error);
  write("special_tokens_map.json", R"({"pad_token":"[PAD]"})");
  EXPECT_EQ(Tokenizer::open(folder_)->encode("a", options).ids, (Ids{1, 5, 2}));
}

TEST_F(TokenizerTest, ErrorsNameTheFileAndTheField) {
  write(
      "tokenizer.json",
      R"({"model":{"type":"WordPiece","vocab":{}},"normalizer":{"type":"Sequence","normalizers":[{}]}})");
  try {
    Tokenizer::open(folder_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), (folder_ / "tokenizer.json").string() +
                                ": normalizer.normalizers[0] has no \"type\"");
  }
  write("tokenizer.json", "{");
  EXPECT_THROW(Tokenizer::open(folder_), Error);
  std::filesystem::remove(folder_ / "tokenizer.json");
  EXPECT_THROW(Tokenizer::open(folder_), Error);
}

TEST_F(TokenizerTest, ThreadsShareOneTokenizer) {
  const auto tokenizer = Tokenizer::open(folder_);
  const Ids want = tokenizer->encode("hello bcc New é [MASK] bc").ids;
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i)
        count += tokenizer->encode("hello bcc New é [MASK] bc").ids != want;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(Pipeline, LongTextsAreNoProblem) {
  const Pipeline pipeline(
      R"({"model":{"type":"BPE","unk_token":"u","vocab":{"a":0,"aa":1,"u":2},"merges":[["a","a"]]}})",
      "test");
  Tokens tokens;
  pipeline.encode(std::string(1'000'001, 'a'), tokens);
  EXPECT_EQ(tokens.ids.size(), 500'001u);
}

TEST(Pipeline, HostileFilesAreRefused) {
  for (
      const char* text :
      {"", "[]", "{}", R"({"model":null})", R"({"model":{}})", R"({"model":{"vocab":[]}})",
       R"({"model":{"type":7}})", R"({"model":{"type":"BPE","vocab":{"a":0},"merges":{}}})",
       R"({"model":{"type":"WordPiece","vocab":[]}})",
       R"({"model":{"type":"WordLevel","vocab":{"a":0}},"added_tokens":[{"id":1}]})",
       R"({"model":{"type":"WordLevel","vocab":{"a":0}},"pre_tokenizer":{"type":"Split","pattern":{},"behavior":"Isolated"}})",
       R"({"model":{"type":"WordLevel","vocab":{"a":0}},"decoder":{"type":"Strip","content":" ","start":-1,"stop":0}})"}) {
    try {
      const Pipeline pipeline(text, "test");
      Tokens tokens;
      pipeline.encode("b", tokens);
      ADD_FAILURE() << text;
    } catch (const Error&) {
    }
  }
}

}  // namespace

}  // namespace vecton::tokenizer
