#include "tokenizer/sentencepiece_model.h"

#include <gtest/gtest.h>

#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

using namespace std::string_literals;

// A field that holds bytes: its number, its size, and they.
std::string field(int number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) +
         std::string(1, static_cast<char>(bytes.size())) + bytes;
}

const std::string kPiece = field(1, field(1, "\u2581a") + "\x15\x00\x00\x80\xbf\x18\x04"s);

TEST(SentencePieceModel, ReadsPiecesAndSettings) {
  const std::string trainer = field(2, "\x18\x02\x98\x02\x01\xc0\x02\x00"s);  // 3: 2, 35: 1, 40: 0
  const std::string normalizer = field(3, field(2, "map") + "\x18\x00"s);
  const SentencePieceModel model =
      SentencePieceModel::parse(kPiece + kPiece + kPiece + trainer + normalizer, "file");
  ASSERT_EQ(model.pieces.size(), 3u);
  EXPECT_EQ(model.pieces[0].text, "\u2581a");
  EXPECT_EQ(model.pieces[0].score, -1.0f);
  EXPECT_EQ(model.pieces[0].type, SentencePieceModel::PieceType::kUserDefined);
  EXPECT_EQ(model.kind, SentencePieceModel::Kind::kBpe);
  EXPECT_TRUE(model.byte_fallback);
  EXPECT_EQ(model.charsmap, "map");
  EXPECT_FALSE(model.dummy_prefix);
  EXPECT_TRUE(model.removes_extra_spaces);
}

TEST(SentencePieceModel, RefusesWhatIsBroken) {
  const std::string broken[] = {
      "",
      "\x0a",                                             // a field that ends early
      "\x0a\x7f" + kPiece,                                // longer than the file
      "\x00\x00"s + kPiece,                               // no number
      "\x0b" + kPiece,                                    // a group
      field(1, ""),                                       // an empty piece
      field(1, field(1, "\xff")),                         // not UTF-8
      field(1, field(1, "a") + "\x15\x00\x00\xc0\x7f"s),  // not a number
      field(1, field(1, "a") + "\x18\x09"s),              // of no type
      field(1, "\x08\x01"s),                              // a text of the wrong kind
      kPiece + field(2, "\x18\x07"s),                     // of no kind
      kPiece + field(2, "\xc0\x02\x05"s),                 // unk_id above the pieces
      kPiece + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s,
  };
  for (const std::string& bytes : broken) {
    try {
      SentencePieceModel::parse(bytes, "x.model");
      ADD_FAILURE() << testing::PrintToString(bytes);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
      EXPECT_TRUE(std::string(error.what()).starts_with("x.model is not a SentencePiece model"));
    }
  }
}

}  // namespace

}  // namespace vecton::tokenizer
