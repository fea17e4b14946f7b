// Error: the one kind of failure Vecton reports.
//
// Thrown while a model is opened and while a request is checked; carried in Result afterwards. A
// message names the field, file or tensor it is about and what would be accepted.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

// What the shared library exports.
#define VECTON_API __attribute__((visibility("default")))

namespace vecton {

enum class ErrorCode {
  kInvalidArgument,  // a field of a request or an option is wrong
  kTooLong,          // the input has more tokens than the model takes
  kUnsupported,      // a model, task or feature that is not served
  kNotFound,         // no such file, model or name
  kUnauthorized,     // a token is missing or not allowed
  kCorrupt,          // a file's bytes are not what its format says
  kIo,               // the system refused to read or write
  kNetwork,          // the model hub could not be reached
  kQueueFull,        // the engine has as much work as it takes: try again later
  kCancelled,        // the caller gave the request up, or the engine stopped
  kInternal,         // a defect of Vecton, or a model that gives non-finite numbers
};

// "invalid_argument", "too_long", ...
VECTON_API const char* to_string(ErrorCode code);

class VECTON_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, std::string field = "")
      : std::runtime_error(message), code_(code), field_(std::move(field)) {}

  ErrorCode code() const { return code_; }
  // The option or request field that is wrong ("dimensions"), or empty.
  const std::string& field() const { return field_; }

 private:
  ErrorCode code_;
  std::string field_;
};

}  // namespace vecton
