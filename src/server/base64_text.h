// The bytes of many numbers as base64: what base::append_base64() writes, 12 or 24 at once.
// Compiled once per instruction set; the text is the same on each.
//
// Called by render.cpp, from any thread.
#pragma once

#include <cstddef>
#include <string_view>

#include "backend/cpu/isa.h"

namespace vecton::server {

// Writes what the first of `bytes` are in base64, and gives how many they are: a multiple of 12,
// all but the last 27 at most; 0 where the instruction set has nothing for it. `out` has room for
// four thirds of that.
using WriteBase64 = size_t (*)(char* out, std::string_view bytes);

WriteBase64 write_base64(cpu::Isa isa);

}  // namespace vecton::server
