// Scratch memory of a kernel's call.
//
// Called by the cpu_*.cpp files; every thread has its own.
#pragma once

#include <cstdint>

namespace vecton::cpu {

// `floats` floats, aligned to 64 bytes, until this thread asks again. Grows to the most asked for.
float* scratch(int64_t floats);
void free_scratch();  // this thread's

}  // namespace vecton::cpu
