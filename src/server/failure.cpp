#include "server/failure.h"

#include <utility>

namespace vecton::server {

namespace {

Cause cause_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kNetwork:  // a picture's host
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
    case ErrorCode::kInternal:
      break;
  }
  return Cause::kInternal;
}

}  // namespace

const char* to_string(Cause cause) {
  switch (cause) {
    case Cause::kContentType:
      return "content_type";
    case Cause::kBadJson:
      return "bad_json";
    case Cause::kShape:
      return "shape";
    case Cause::kEmpty:
      return "empty";
    case Cause::kBatchSize:
      return "batch_size";
    case Cause::kInvalid:
      return "validation";
    case Cause::kTooLong:
      return "too_long";
    case Cause::kTokenizer:
      return "tokenizer";
    case Cause::kTask:
      return "task";
    case Cause::kModelName:
      return "model_name";
    case Cause::kRoute:
      return "route";
    case Cause::kMethod:
      return "method";
    case Cause::kUnauthorized:
      return "unauthorized";
    case Cause::kForbidden:
      return "forbidden";
    case Cause::kBodySize:
      return "body_size";
    case Cause::kHeadSize:
      return "head_size";
    case Cause::kHttp:
      return "http";
    case Cause::kSlow:
      return "slow";
    case Cause::kQueueFull:
      return "overloaded";
    case Cause::kKeyLimit:
      return "key_limit";
    case Cause::kUnavailable:
      return "unavailable";
    case Cause::kInternal:
      return "internal";
  }
  return "unknown";
}

Failure::Failure(std::vector<Problem> list)
    : cause(Cause::kShape), param(list.front().where), problems(std::move(list)) {
  message = problems.front().where + ": " + problems.front().message;
}

Failure::Failure(const Error& error)
    : cause(cause_of(error.code())), message(error.what()), param(error.field()) {}

}  // namespace vecton::server
