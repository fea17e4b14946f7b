// How a command ends: the exit statuses that scripts can rely on (docs/CLI.md) and the exceptions
// that carry them.
#pragma once

#include <stdexcept>
#include <string>

#include "vecton/error.h"

namespace vecton::cli {

enum class ExitStatus {
  kOk = 0,
  kInternal = 1,      // a defect, or the system refused something
  kUsage = 2,         // a wrong option or argument
  kModel = 3,         // the model is not found, not supported, not allowed or corrupt
  kInput = 4,         // the input, or a file named as output, can't be used
  kNetwork = 5,       // the model hub can't be reached
  kInterrupted = 130  // SIGINT; 143 after SIGTERM
};

// An error with the status it ends the program with; its message is what the user reads.
class Failure : public std::runtime_error {
 public:
  Failure(ExitStatus status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  ExitStatus status() const { return status_; }

 private:
  ExitStatus status_;
};

// Thrown when a signal asked the program to end; the message says what was saved.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(int signal, const std::string& message = "interrupted")
      : std::runtime_error(message), signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

// The status for an error of the library that no command has put into words of its own.
ExitStatus exit_status(ErrorCode code);

// The status for an error that a text of the input caused.
ExitStatus exit_status_of_text(ErrorCode code);

}  // namespace vecton::cli
