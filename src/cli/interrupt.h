// InterruptGuard: while one lives (one at a time), SIGINT and SIGTERM set a flag instead of ending
// the program, so that a long run can save what it has. A second signal ends it at once.
#pragma once

#include <signal.h>

namespace vecton::cli {

class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  // The signal that came, or 0.
  static int signal();
  // Throws Interrupted if a signal came.
  static void check();
  // Returns once `fd` can be read, or throws Interrupted. Without a guard it returns at once.
  static void wait_readable(int fd);

 private:
  struct sigaction old_int_ {
  }, old_term_{};
};

}  // namespace vecton::cli
