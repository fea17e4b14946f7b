#include "cli/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/failure.h"

namespace vecton::cli {

namespace {
// What a signal handler may touch. The pipe wakes a poll() that the signal would otherwise have to
// hit.
volatile sig_atomic_t caught = 0;
int wake[2] = {-1, -1};

void remember(int signal) {
  caught = signal;
  const int kept = errno;
  const char byte = 0;
  [[maybe_unused]] const ssize_t written = ::write(wake[1], &byte, 1);
  errno = kept;
}
}  // namespace

InterruptGuard::InterruptGuard() {
  if (::pipe(wake) != 0) {
    throw Failure(ExitStatus::kInternal, std::string("pipe: ") + std::strerror(errno));
  }
  for (const int fd : wake) {  // not pipe2(), which macOS lacks
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
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
  for (int& fd : wake) {
    ::close(fd);
    fd = -1;
  }
}

int InterruptGuard::signal() { return caught; }

void InterruptGuard::check() {
  if (caught != 0) throw Interrupted(caught);
}

void InterruptGuard::wait_readable(int fd) {
  if (wake[0] < 0) return;
  pollfd waits[] = {{fd, POLLIN, 0}, {wake[0], POLLIN, 0}};
  ::poll(waits, 2, -1);
  check();
}

}  // namespace vecton::cli
