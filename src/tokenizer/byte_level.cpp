#include "tokenizer/byte_level.h"

#include <iterator>

namespace vecton::tokenizer {

namespace {

struct ByteLevelTable {
  char32_t character[256];
  int16_t byte[0x144];
};

constexpr ByteLevelTable kByteLevel = [] {
  ByteLevelTable table{};
  for (int16_t& byte : table.byte) byte = -1;
  char32_t moved = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    table.character[byte] = printable ? byte : moved++;
    table.byte[table.character[byte]] = static_cast<int16_t>(byte);
  }
  return table;
}();

}  // namespace

char32_t byte_level_character(uint8_t byte) { return kByteLevel.character[byte]; }

int byte_level_byte(char32_t c) { return c < std::size(kByteLevel.byte) ? kByteLevel.byte[c] : -1; }

}  // namespace vecton::tokenizer
