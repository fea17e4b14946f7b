// The bytes of text as byte-level models see them: written as printable characters, 256 of them.
// Used by the steps and models that write them and read them back; constant tables.
#pragma once

#include <cstdint>

namespace vecton::tokenizer {

char32_t byte_level_character(uint8_t byte);
// The byte of a character, or -1.
int byte_level_byte(char32_t c);

}  // namespace vecton::tokenizer
