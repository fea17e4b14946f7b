#include "tokenizer/sentencepiece_model.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "base/unicode.h"
#include "base/utf8.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

// The fields of one message of a protocol buffer, one after the other.
class Message {
 public:
  enum class Wire { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  Message(std::string_view bytes, const std::string& file) : rest_(bytes), file_(file) {}

  // False at the end. Fields that are not asked for are passed over.
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t key = varint();
    number_ = static_cast<uint32_t>(key >> 3);
    wire_ = static_cast<Wire>(key & 7);
    if (number_ == 0 || key >> 3 > 0x1FFFFFFF) fail("has a field without a number");
    switch (wire_) {
      case Wire::kVarint:
        value_ = varint();
        break;
      case Wire::kFixed64:
        bytes_ = take(8);
        break;
      case Wire::kBytes:
        bytes_ = take(varint());
        break;
      case Wire::kFixed32:
        bytes_ = take(4);
        break;
      default:
        fail("has a field of an unknown kind");
    }
    return true;
  }

  uint32_t number() const { return number_; }
  std::string_view bytes() const {
    want(Wire::kBytes);
    return bytes_;
  }
  int32_t integer() const {
    want(Wire::kVarint);
    return static_cast<int32_t>(static_cast<uint32_t>(value_));
  }
  bool boolean() const {
    want(Wire::kVarint);
    return value_ != 0;
  }
  float real() const {
    want(Wire::kFixed32);
    uint32_t bits = 0;
    for (int i = 3; i >= 0; --i) bits = bits << 8 | static_cast<unsigned char>(bytes_[i]);
    return std::bit_cast<float>(bits);
  }
  std::string text() const {
    if (!utf8::is_valid(bytes())) fail("has a text that is not UTF-8");
    return std::string(bytes());
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(ErrorCode::kCorrupt, file_ + " is not a SentencePiece model: it " + problem);
  }

 private:
  void want(Wire wire) const {
    if (wire_ != wire) fail("has a field of the wrong kind");
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const unsigned char byte = take(1)[0];
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail("has a number of more than 64 bits");
  }
  std::string_view take(uint64_t size) {
    if (size > rest_.size()) fail("ends inside a field");
    const std::string_view part = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return part;
  }

  std::string_view rest_, bytes_;
  const std::string& file_;
  uint32_t number_ = 0;
  Wire wire_ = Wire::kVarint;
  uint64_t value_ = 0;
};

SentencePieceModel::Piece read_piece(std::string_view bytes, const std::string& file) {
  SentencePieceModel::Piece piece;
  Message field(bytes, file);
  while (field.next()) {
    if (field.number() == 1) piece.text = field.text();
    if (field.number() == 2) piece.score = field.real();
    if (field.number() == 3) {
      const int32_t type = field.integer();
      if (type < 1 || type > 6) field.fail("has a piece of an unknown type");
      piece.type = static_cast<SentencePieceModel::PieceType>(type);
    }
  }
  if (piece.text.empty()) field.fail("has an empty piece");
  if (!std::isfinite(piece.score)) field.fail("has a score that is not finite");
  return piece;
}

void read_trainer(std::string_view bytes, const std::string& file, SentencePieceModel& model) {
  Message field(bytes, file);
  while (field.next()) {
    switch (field.number()) {
      case 3: {
        const int32_t kind = field.integer();
        if (kind < 1 || kind > 4) field.fail("is of an unknown kind");
        model.kind = static_cast<SentencePieceModel::Kind>(kind);
        break;
      }
      case 24:
        model.whitespace_is_suffix = field.boolean();
        break;
      case 35:
        model.byte_fallback = field.boolean();
        break;
      case 40:
        model.unk_id = field.integer();
        break;
      case 41:
        model.bos_id = field.integer();
        break;
      case 42:
        model.eos_id = field.integer();
        break;
      case 43:
        model.pad_id = field.integer();
        break;
      case 45:
        model.unk_piece = field.text();
        break;
      case 46:
        model.bos_piece = field.text();
        break;
      case 47:
        model.eos_piece = field.text();
        break;
      case 48:
        model.pad_piece = field.text();
        break;
      default:
        break;
    }
  }
}

void read_normalizer(std::string_view bytes, const std::string& file, SentencePieceModel& model) {
  Message field(bytes, file);
  while (field.next()) {
    if (field.number() == 2) model.charsmap = field.bytes();
    if (field.number() == 3) model.dummy_prefix = field.boolean();
    if (field.number() == 4) model.removes_extra_spaces = field.boolean();
    if (field.number() == 5) model.escapes_spaces = field.boolean();
  }
}

}  // namespace

SentencePieceModel SentencePieceModel::parse(std::string_view bytes, const std::string& file) {
  SentencePieceModel model;
  Message field(bytes, file);
  while (field.next()) {
    if (field.number() == 1) model.pieces.push_back(read_piece(field.bytes(), file));
    if (field.number() == 2) read_trainer(field.bytes(), file, model);
    if (field.number() == 3) read_normalizer(field.bytes(), file, model);
  }
  if (model.pieces.empty()) field.fail("has no pieces");
  const int64_t count = static_cast<int64_t>(model.pieces.size());
  for (const int32_t id : {model.unk_id, model.bos_id, model.eos_id, model.pad_id}) {
    if (id >= count) field.fail("has an id of a special piece that is above its pieces");
  }
  return model;
}

}  // namespace vecton::tokenizer
