#include "tokenizer/decoder.h"

#include <gtest/gtest.h>

#include "tokenizer/test_json.h"

namespace vecton {

namespace {

std::string decode(std::string_view json_text, std::vector<std::string> tokens) {
  make_decoder(testing_json::Document(json_text).field())->apply(tokens);
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

TEST(Decoder, WordPieceJoinsAndCleansUp) {
  EXPECT_EQ(decode(R"({"type":"WordPiece","prefix":"##","cleanup":true})",
                   {"un", "##do", "it", ",", "isn", "'", "t"}),
            "undo it, isn ' t");
  EXPECT_EQ(decode(R"({"type":"WordPiece","prefix":"##","cleanup":false})", {"##a", ",", "b"}),
            "##a , b");
}

TEST(Decoder, ByteLevelJoinsBytesOverTokens) {
  EXPECT_EQ(decode(R"({"type":"ByteLevel"})", {"Ġ", "Ã", "©"}), " é");
  EXPECT_EQ(decode(R"({"type":"ByteLevel"})", {"Ã", "a"}), "\uFFFDa");
  EXPECT_EQ(decode(R"({"type":"ByteLevel"})", {"<|中|>", "a"}), "<|中|>a");
}

TEST(Decoder, SequenceOfSentencePiece) {
  const char* steps =
      R"({"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
      {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]})";
  EXPECT_EQ(decode(steps, {"▁▁a", "<0xC3>", "<0xA9>", "▁b"}), " aé b");
  EXPECT_EQ(decode(steps, {"<0xC3>", "x", "<0x4>"}), "\uFFFDx<0x4>");
  EXPECT_EQ(decode(steps, {}), "");
}

TEST(Decoder, MetaspaceAndSuffix) {
  EXPECT_EQ(
      decode(R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"always"})", {"▁a", "▁b"}),
      "a b");
  EXPECT_EQ(
      decode(R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"never"})", {"▁a", "▁b"}),
      " a b");
  EXPECT_EQ(decode(R"({"type":"BPEDecoder","suffix":"</w>"})", {"a", "b</w>", "c</w>"}), "ab c");
}

TEST(Decoder, RefusesWhatItDoesNotKnowByName) {
  EXPECT_THROW(decode(R"({"type":"CTC"})", {}), Error);
}

}  // namespace

}  // namespace vecton
