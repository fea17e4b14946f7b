// A thread that watches memory for another's writes says so to its core, between two looks.
#pragma once

namespace vecton::base {

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace vecton::base
