// Many floats as text: what base::write_float() writes for each, several at once where they are of
// the sizes that vectors have. Compiled once per instruction set; the text is the same on each.
//
// Called by render.cpp, from any thread.
#pragma once

#include <cstddef>
#include <span>

#include "backend/cpu/isa.h"
#include "base/json_text.h"

namespace vecton::server {

// The room that write_floats() needs for `count` floats: it may write past the end that it gives.
constexpr size_t float_text_room(size_t count) { return count * (base::kFloatText + 1) + 16; }

// Writes each of `values`, followed by a comma, and gives the end; null where one is not finite.
using WriteFloats = char* (*)(char* out, std::span<const float> values);

WriteFloats write_floats(cpu::Isa isa);

}  // namespace vecton::server
