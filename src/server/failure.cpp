#include "server/failure.h"

#include <utility>

namespace vecton::server {

namespace {

Cause cause_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
      return Cause::kInvalid;
    case ErrorCode::kTooLong:
      return Cause::kTooLong;
    case ErrorCode::kUnsupported:
      return Cause::kTask;
    case ErrorCode::kQueueFull:
      return Cause::kQueueFull;
    case ErrorCode::kCancelled:
      return Cause::kUnavailable;
    case ErrorCode::kUnauthorized:
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo:
    case ErrorCode::kNetwork:
    case ErrorCode::kInternal:
      break;
  }
  return Cause::kInternal;
}

}  // namespace

Failure::Failure(std::vector<Problem> list)
    : cause(Cause::kShape), param(list.front().where), problems(std::move(list)) {
  message = problems.front().where + ": " + problems.front().message;
}

Failure::Failure(const Error& error)
    : cause(cause_of(error.code())), message(error.what()), param(error.field()) {}

}  // namespace vecton::server
