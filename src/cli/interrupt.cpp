#include "cli/interrupt.h"

#include "cli/failure.h"

namespace vecton::cli {

namespace {
volatile sig_atomic_t caught = 0;  // what a signal handler may write

void remember(int signal) { caught = signal; }
}  // namespace

InterruptGuard::InterruptGuard() {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // no SA_RESTART: a blocked read() returns
  caught = 0;
  sigaction(SIGINT, &action, &old_int_);
  sigaction(SIGTERM, &action, &old_term_);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &old_int_, nullptr);
  sigaction(SIGTERM, &old_term_, nullptr);
}

int InterruptGuard::signal() { return caught; }

void InterruptGuard::check() {
  if (caught != 0) throw Interrupted(caught);
}

}  // namespace vecton::cli
