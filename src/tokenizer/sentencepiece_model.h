// SentencePieceModel: a SentencePiece .model file, which is a protocol buffer. Only what decides
// ids and texts is read; the reader takes nothing on trust. A value; used while a tokenizer is
// loaded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vecton::tokenizer {

struct SentencePieceModel {
  enum class Kind { kUnigram = 1, kBpe = 2, kWord = 3, kCharacter = 4 };
  enum class PieceType {
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,
    kUserDefined = 4,
    kUnused = 5,
    kByte = 6
  };
  struct Piece {
    std::string text;  // UTF-8, not empty
    float score = 0;
    PieceType type = PieceType::kNormal;
  };

  std::vector<Piece> pieces;
  Kind kind = Kind::kUnigram;
  bool byte_fallback = false, whitespace_is_suffix = false;
  int32_t unk_id = 0, bos_id = 1, eos_id = 2, pad_id = -1;  // below 0: none
  std::string unk_piece = "<unk>", bos_piece = "<s>", eos_piece = "</s>", pad_piece = "<pad>";
  std::string charsmap;  // the precompiled map of characters; may be empty
  bool dummy_prefix = true, removes_extra_spaces = true, escapes_spaces = true;

  // `file` begins the messages of errors (kCorrupt).
  static SentencePieceModel parse(std::string_view bytes, const std::string& file);
};

}  // namespace vecton::tokenizer
