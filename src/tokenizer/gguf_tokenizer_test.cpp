// Tokenizers of GGUF files, of a few tokens each.
#include "tokenizer/gguf_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "gguf/test_file.h"
#include "tokenizer/gguf_pre_tokenizers.h"
#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace vecton::tokenizer {
namespace {

using gguf::TestFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class GgufTokenizerTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Tokenizer> open(const TestFile& test) {
    folder_.write("model.gguf", test.bytes());
    return Tokenizer::open(folder_.path() / "model.gguf");
  }
  std::vector<int32_t> ids(const TestFile& test, std::string_view text) {
    return open(test)->encode(text).ids;
  }
  std::string refusal(const TestFile& test) {
    try {
      open(test);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing";
  }
  base::TemporaryFolder folder_;
};

TestFile byte_pairs(std::string_view pre, std::string_view architecture = "llama") {
  TestFile test(architecture);
  test.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", pre);
  test.texts("tokenizer.ggml.tokens", {"a", "b", "1", "\u0120", "ab", "11", "<s>", "<x>", "</s>"})
      .integers("tokenizer.ggml.token_type", {1, 1, 1, 1, 1, 1, 3, 4, 3})
      .texts("tokenizer.ggml.merges", {"a b", "1 1"})
      .integer("tokenizer.ggml.bos_token_id", 6)
      .integer("tokenizer.ggml.eos_token_id", 8);
  return test;
}

TEST_F(GgufTokenizerTest, BytePairsAreSplitAsPreSays) {
  EXPECT_THAT(ids(byte_pairs("gpt-2"), "ab 11"), ElementsAre(4, 3, 5));
  EXPECT_THAT(ids(byte_pairs("smollm"), "ab11"), ElementsAre(4, 2, 2));
  EXPECT_THAT(ids(byte_pairs("qwen2"), "11a"), ElementsAre(2, 2, 0));
  EXPECT_THAT(ids(byte_pairs("llama-bpe"), "11a"), ElementsAre(6, 5, 0));  // begins with <s>
}

TEST_F(GgufTokenizerTest, TokensForBeginAndEndComeWhereTheFileAsksForThem) {
  EXPECT_THAT(ids(byte_pairs("gpt-2").boolean("tokenizer.ggml.add_bos_token", true), "a"),
              ElementsAre(6, 0));
  EXPECT_THAT(ids(byte_pairs("gpt-2").boolean("tokenizer.ggml.add_eos_token", true), "a"),
              ElementsAre(0, 8));
  EXPECT_THAT(ids(byte_pairs("llama-bpe").boolean("tokenizer.ggml.add_bos_token", false), "a"),
              ElementsAre(0));
}

TEST_F(GgufTokenizerTest, ASecondTextBeginsAsItsModelWasTrained) {
  const auto pair = [this](std::string_view architecture) {
    const TestFile file = byte_pairs("modern-bert", architecture)
                              .boolean("tokenizer.ggml.add_bos_token", true)
                              .boolean("tokenizer.ggml.add_eos_token", true);
    return open(file)->encode("a", "b").ids;
  };
  EXPECT_THAT(pair("llama"), ElementsAre(6, 0, 8, 6, 1, 8));
  EXPECT_THAT(pair("modern-bert"), ElementsAre(6, 0, 8, 1, 8));
}

TEST_F(GgufTokenizerTest, ControlsAndUserDefinedTokensAreFoundWhole) {
  const auto tokenizer = open(byte_pairs("gpt-2"));
  const std::vector<int32_t> ids = tokenizer->encode("a<x>b</s>").ids;
  EXPECT_THAT(ids, ElementsAre(0, 7, 1, 8));
  EXPECT_EQ(tokenizer->decode(ids, true), "a<x>b");
  EXPECT_EQ(tokenizer->special_tokens().at("bos_token"), "<s>");
  EXPECT_EQ(tokenizer->special_token_id("eos_token"), 8);
}

TEST_F(GgufTokenizerTest, RefusesWhatIsNotKnown) {
  EXPECT_THAT(
      refusal(byte_pairs("klingon")),
      HasSubstr("tokenizer.ggml.pre: \"klingon\" is not supported; accepted are gpt-2, phi-2"));
  EXPECT_THAT(refusal(byte_pairs("")), HasSubstr("tokenizer.ggml.pre: missing"));
  TestFile other;
  other.text("tokenizer.ggml.model", "rwkv").texts("tokenizer.ggml.tokens", {"a"});
  EXPECT_THAT(refusal(other),
              HasSubstr("tokenizer.ggml.model: \"rwkv\" is not supported; accepted are bert"));
  EXPECT_THAT(refusal(TestFile()), HasSubstr("tokenizer.ggml.tokens: missing"));
}

TEST_F(GgufTokenizerTest, RefusesArraysThatDoNotFit) {
  const auto with = [](std::string_view key) {
    TestFile test;
    test.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "gpt-2");
    test.texts("tokenizer.ggml.tokens", {"a", "b"});
    if (key == "types") test.integers("tokenizer.ggml.token_type", {1});
    if (key == "merges") test.texts("tokenizer.ggml.merges", {"ab"});
    if (key == "number")
      test.texts("tokenizer.ggml.merges", {"a b"}).integer("tokenizer.ggml.bos_token_id", 2);
    return test;
  };
  EXPECT_THAT(refusal(with("types")),
              HasSubstr("tokenizer.ggml.token_type: has 1 numbers for 2 tokens"));
  EXPECT_THAT(refusal(with("merges")), HasSubstr("tokenizer.ggml.merges: two tokens"));
  EXPECT_THAT(refusal(with("")), HasSubstr("tokenizer.ggml.merges: missing"));
  EXPECT_THAT(refusal(with("number")),
              HasSubstr("tokenizer.ggml.bos_token_id: expected an integer from 0 to 1"));
  TestFile text;
  text.text("tokenizer.ggml.model", "gpt2").texts("tokenizer.ggml.tokens", {"\xff"});
  EXPECT_THAT(refusal(text), HasSubstr("has a token that is not UTF-8"));
}

// <unk>, <s>, letters, what they join to by score, and bytes.
TestFile scored_pairs() {
  TestFile test;
  test.text("tokenizer.ggml.model", "llama")
      .texts("tokenizer.ggml.tokens", {"<unk>", "<s>", "\u2581", "a", "b", "c", "ab", "bc",
                                       "\u2581a", "<0xC3>", "<0xA9>", "  "})
      .numbers("tokenizer.ggml.scores", {0, 0, -9, -9, -9, -9, -2, -1, -3, 0, 0, 0})
      .integers("tokenizer.ggml.token_type", {2, 3, 1, 1, 1, 1, 1, 1, 1, 6, 6, 4})
      .integer("tokenizer.ggml.bos_token_id", 1)
      .integer("tokenizer.ggml.unknown_token_id", 0);
  return test;
}

TEST_F(GgufTokenizerTest, ScoresSayWhatIsJoinedFirst) {
  EXPECT_THAT(ids(scored_pairs(), "abc"), ElementsAre(1, 8, 7));  // bc before ab
  EXPECT_THAT(ids(scored_pairs().boolean("tokenizer.ggml.add_space_prefix", false), "abc"),
              ElementsAre(1, 3, 7));
  EXPECT_THAT(ids(scored_pairs().boolean("tokenizer.ggml.add_bos_token", false), "b\u00e9"),
              ElementsAre(2, 4, 9, 10));
  const auto tokenizer = open(scored_pairs());
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("abc  a").ids, true), "abc   a");
  TestFile few;
  few.text("tokenizer.ggml.model", "llama")
      .texts("tokenizer.ggml.tokens", {"a", "b"})
      .numbers("tokenizer.ggml.scores", {1});
  EXPECT_THAT(refusal(few), HasSubstr("tokenizer.ggml.scores: has 1 numbers for 2 tokens"));
}

// Gemma 4's: marked like scored ones, and joined as the list says.
TEST_F(GgufTokenizerTest, MergesOfMarkedTokens) {
  TestFile test;
  test.text("tokenizer.ggml.model", "gemma4")
      .texts("tokenizer.ggml.tokens",
             {"<unk>", "<s>", "\u2581", "a", "b", "c", "ab", "bc", "\u2581a", "<0xC3>", "<0xA9>"})
      .numbers("tokenizer.ggml.scores", std::vector<float>(11, -1000))
      .integers("tokenizer.ggml.token_type", {2, 3, 1, 1, 1, 1, 1, 1, 1, 6, 6})
      .texts("tokenizer.ggml.merges", {"b c", "a b", "\u2581 a"})
      .boolean("tokenizer.ggml.add_space_prefix", false)
      .integer("tokenizer.ggml.bos_token_id", 1)
      .integer("tokenizer.ggml.unknown_token_id", 0);
  EXPECT_THAT(ids(test, "abc ab"), ElementsAre(1, 3, 7, 2, 6));  // bc first, then ab
  EXPECT_THAT(ids(test, "\u00e9"), ElementsAre(1, 9, 10));
  EXPECT_EQ(open(test)->decode(ids(test, "a bc"), true), "a bc");
}

TestFile words(const std::string& word) {
  TestFile test("bert");
  test.text("tokenizer.ggml.model", "bert")
      .texts("tokenizer.ggml.tokens",
             {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "\u2581" + word, "ing", "\u2581!"})
      .integers("tokenizer.ggml.token_type", {3, 3, 3, 3, 1, 1, 1});
  return test;
}

TEST_F(GgufTokenizerTest, WordsBeginWithAMark) {
  EXPECT_THAT(ids(words("play"), "Playing!"), ElementsAre(2, 4, 5, 6, 3));
  const Encoding pair = open(words("play"))->encode("play", "play!");
  EXPECT_THAT(pair.ids, ElementsAre(2, 4, 3, 4, 6, 3));
  EXPECT_THAT(pair.type_ids, ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_EQ(open(words("play"))->decode(std::vector<int32_t>{4, 5}, true), "playing");
}

TEST_F(GgufTokenizerTest, AVocabularyOfCapitalsKeepsThem) {
  EXPECT_THAT(ids(words("Play"), "Playing"), ElementsAre(2, 4, 5, 3));
  EXPECT_THAT(ids(words("Play"), "playing"), ElementsAre(2, 1, 3));
}

TEST_F(GgufTokenizerTest, UnigramTakesTheBestSum) {
  TestFile test("bert");
  test.text("tokenizer.ggml.model", "t5")
      .texts("tokenizer.ggml.tokens",
             {"<s>", "<pad>", "</s>", "<unk>", "\u2581", "a", "\u2581a", "b", "ab"})
      .numbers("tokenizer.ggml.scores", {0, 0, 0, 0, -1, -2, -1.5f, -1, -4})
      .integers("tokenizer.ggml.token_type", {3, 3, 3, 2, 1, 1, 1, 1, 1})
      .integer("tokenizer.ggml.bos_token_id", 0)
      .integer("tokenizer.ggml.eos_token_id", 2)
      .integer("tokenizer.ggml.unknown_token_id", 3)
      .boolean("tokenizer.ggml.add_bos_token", true)
      .boolean("tokenizer.ggml.add_eos_token", true);
  EXPECT_THAT(ids(test, "ab"), ElementsAre(0, 6, 7, 2));
  EXPECT_THAT(open(test)->encode("a", "b").ids, ElementsAre(0, 6, 2, 2, 4, 7, 2));
}

// Letters, digits and signs as tokens, and all that they can be joined to.
TestFile joined(const std::string& pre) {
  TestFile test;
  test.text("tokenizer.ggml.model", "gpt2")
      .text("tokenizer.ggml.pre", pre)
      .texts("tokenizer.ggml.tokens",
             {"a", "B", "1", "!", "/", "aa", "aB", "11", "111", "1111", "!a", "!!", "!/"})
      .texts("tokenizer.ggml.merges", {"a a", "a B", "1 1", "11 1", "11 11", "! a", "! !", "! /"});
  return test;
}

TEST_F(GgufTokenizerTest, TextsAreSplitAsTheNameSays) {
  const auto pieces = [this](const char* pre, const char* text) {
    std::vector<int32_t> list = ids(joined(pre), text);
    return list;
  };
  // What one word holds is joined; a cut in it shows.
  EXPECT_THAT(pieces("gpt-2", "1111"), ElementsAre(9));
  EXPECT_THAT(pieces("command-r", "1111"), ElementsAre(2, 2, 2, 2));
  EXPECT_THAT(pieces("tekken", "1111"), ElementsAre(2, 2, 2, 2));
  EXPECT_THAT(pieces("deepseek-v3", "1111"), ElementsAre(8, 2));
  EXPECT_THAT(pieces("falcon", "1111"), ElementsAre(8, 2));
  EXPECT_THAT(pieces("default", "1111"), ElementsAre(8, 2));
  EXPECT_THAT(pieces("gpt-2", "!/"), ElementsAre(12));
  EXPECT_THAT(pieces("tekken", "aB"), ElementsAre(0, 1));  // a capital begins a word
  EXPECT_THAT(pieces("glm4", "aB"), ElementsAre(6));
  EXPECT_THAT(pieces("tekken", "!a"), ElementsAre(10));  // and takes one sign
  EXPECT_THAT(pieces("command-r", "!a"), ElementsAre(3, 0));
  EXPECT_THAT(pieces("viking", "a1"), ElementsAre(0, 2));
  EXPECT_THAT(pieces("bloom", "!!"), ElementsAre(11));
}

TEST(GgufPreTokenizers, EveryNameStandsForSteps) {
  for (const char* name :
       {"gpt-2", "smollm", "llama-bpe", "qwen2", "qwen35", "gpt-4o", "refact", "tekken", "default",
        "glm4", "deepseek-v3", "command-r", "falcon", "viking"}) {
    const GgufPreTokenizer* pre = find_gguf_pre_tokenizer(name);
    ASSERT_NE(pre, nullptr) << name;
    EXPECT_FALSE(steps_of(*pre).empty());
    EXPECT_THAT(gguf_pre_tokenizer_names(), HasSubstr(name));
  }
  for (const char* other : {"", "defaults", "gpt", "gpt-2 phi-2"})
    EXPECT_EQ(find_gguf_pre_tokenizer(other), nullptr) << other;
}

}  // namespace
}  // namespace vecton::tokenizer
