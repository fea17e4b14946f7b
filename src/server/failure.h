// Failure: why a request is not answered, before a dialect gives it a status and a body.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "vecton/error.h"

namespace vecton::server {

enum class Cause {
  kContentType,   // the body is not declared to be JSON
  kBadJson,       // the body is not JSON
  kShape,         // a field is missing or of the wrong type: `problems` has them
  kEmpty,         // an empty list of inputs
  kBatchSize,     // more inputs than a request may have
  kInvalid,       // a field's value is not possible with this model
  kTooLong,       // more tokens than the model takes
  kTokenizer,     // ids that are no tokens
  kTask,          // the loaded model does not do this
  kModelName,     // another model was asked for
  kRoute,         // no such path
  kMethod,        // no such method on this path
  kUnauthorized,  // no key, or a wrong one
  kForbidden,     // a key that may not do this
  kBodySize,      // the body is over the limit
  kHeadSize,      // the headers are
  kHttp,          // not a request of HTTP: its framing, or its Host
  kSlow,          // the client did not finish its request in time
  kQueueFull,     // try again later
  kKeyLimit,      // the key has asked for as much as it may in a minute
  kUnavailable,   // the model is not loaded yet, or the server is stopping
  kInternal,      // our own defect, or numbers that are not finite
};

// "queue_full": its name in metrics.
const char* to_string(Cause cause);

// One wrong field of a body: where ("body.input"), pydantic's word for what is wrong ("missing"),
// and the sentence.
struct Problem {
  std::string where, type, message;
};

struct Failure : std::exception {
  Failure(Cause c, std::string m, std::string p = "")
      : cause(c), message(std::move(m)), param(std::move(p)) {}
  explicit Failure(std::vector<Problem> list);  // kShape
  explicit Failure(const Error& error);         // what the engine said

  const char* what() const noexcept override { return message.c_str(); }

  Cause cause;
  std::string message;
  std::string param;  // the field it is about, or empty
  std::vector<Problem> problems;
  int64_t retry_after = 1;  // seconds, where trying again may help
};

}  // namespace vecton::server
