#include "tokenizer/decoder.h"

#include <gtest/gtest.h>

#include "tokenizer/test_json.h"

namespace vecton::tokenizer {

namespace {

std::string decode(std::string_view json_text, const std::vector<std::string>& tokens) {
  const auto decoder = make_decoder(testing_json::Document(json_text).field());
  DecoderStream stream({decoder.get()});
  for (const std::string& token : tokens) stream.put(token);
  stream.end();
  return std::move(stream.text());
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

TEST(Decoder, CtcDropsRepeatsAndPadding) {
  constexpr const char* kCtc =
      R"({"type":"CTC","pad_token":"<pad>","word_delimiter_token":"|","cleanup":true})";
  EXPECT_EQ(decode(kCtc, {"<pad>", "h", "h", "e", "<pad>", "l", "l", "<pad>", "l", "o", "|", "|",
                          "n't", "."}),
            "hello n't.");
}

TEST(Decoder, StripLeavesWhatIsInside) {
  constexpr const char* kStrip = R"({"type":"Strip","content":"_","start":2,"stop":1})";
  EXPECT_EQ(decode(kStrip, {"___a__", "_", "b_"}), "_a_b");
  const std::string fused =
      R"({"type":"Sequence","decoders":[{"type":"Fuse"},)" + std::string(kStrip) + "]}";
  EXPECT_EQ(decode(fused, {"_", "_", "_a_", "_", "b_", "_"}), "_a__b_");
}

TEST(Decoder, CleansSpacesOverTokens) {
  const auto joiner = make_space_joiner(), cleaner = make_space_cleaner();
  DecoderStream stream({joiner.get(), cleaner.get()});
  std::string text;
  for (const char* token : {"it", "'s", "do", "n't", "'", "a", "'", "'", ".", ",", "do", "not"}) {
    stream.put(token);
    text += std::exchange(stream.text(), {});
  }
  stream.end();
  EXPECT_EQ(text + stream.text(), "it's don't'a''., do not");
}

TEST(Decoder, RefusesWhatItDoesNotKnowByName) {
  EXPECT_THROW(decode(R"({"type":"Other"})", {}), Error);
}

}  // namespace

}  // namespace vecton::tokenizer
