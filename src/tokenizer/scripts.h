// Which script a character is written in, as far as UnicodeScripts asks: numbers that only tell
// scripts apart.
#pragma once

#include <cstdint>

namespace vecton::tokenizer {

constexpr uint8_t kAnyScript = 0;
uint8_t script_of(char32_t c);

}  // namespace vecton::tokenizer
