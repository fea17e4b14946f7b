// What tokens are in the middle of a text, of tokenizers of every kind.
#include "tokenizer/token_bytes.h"

#include <gtest/gtest.h>

namespace vecton::tokenizer {
namespace {

TEST(TokenBytesTest, TokensOfATextAreItsBytes) {
  // Behind a first word, which may have taken a space of its own.
  const std::string text =
      "a list of 12 words: \xC3\xA9t\xC3\xA9, {\"k\": [1, 2]} \xE6\x97\xA5\xE6\x9C\xAC "
      "\xF0\x9F\x98\x80 done";
  for (const char* name : {"tok-qwen2", "tok-gpt2", "tok-llama3", "tok-gemma", "tok-phi3",
                           "tok-mistral", "tok-tekken", "tok-o200k"}) {
    const auto tokenizer = Tokenizer::open(std::string("tests/golden/") + name + "/model");
    const std::vector<TokenBytes> tokens = token_bytes(*tokenizer);
    ASSERT_EQ(static_cast<int64_t>(tokens.size()), tokenizer->vocab_size());
    std::string joined;
    for (const int32_t id : tokenizer->encode(text, {.add_special_tokens = false}).ids)
      joined += tokens[static_cast<size_t>(id)].bytes;
    EXPECT_EQ(joined.substr(joined.find('a')), text) << name;
  }
}

TEST(TokenBytesTest, WordPiecesKeepTheirSpaces) {
  const auto tokenizer = Tokenizer::open("tests/golden/tok-bert-uncased/model");
  const std::vector<TokenBytes> tokens = token_bytes(*tokenizer);
  const auto bytes = [&](const char* token) {
    return tokens[static_cast<size_t>(tokenizer->token_to_id(token).value())];
  };
  EXPECT_EQ(bytes("the").bytes, " the");
  EXPECT_EQ(bytes("##s").bytes, "s");
  EXPECT_TRUE(bytes("[SEP]").special);
  EXPECT_EQ(bytes("[SEP]").bytes, "[SEP]");
}

}  // namespace
}  // namespace vecton::tokenizer
