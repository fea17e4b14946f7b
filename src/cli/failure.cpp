#include "cli/failure.h"

namespace vecton::cli {

ExitStatus exit_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return ExitStatus::kUsage;
    case ErrorCode::kTooLong:
      return ExitStatus::kInput;
    case ErrorCode::kUnsupported:
    case ErrorCode::kNotFound:
    case ErrorCode::kUnauthorized:
    case ErrorCode::kCorrupt:
      return ExitStatus::kModel;
    case ErrorCode::kNetwork:
      return ExitStatus::kNetwork;
    case ErrorCode::kIo:
    case ErrorCode::kQueueFull:
    case ErrorCode::kCancelled:
    case ErrorCode::kInternal:
      return ExitStatus::kInternal;
  }
  return ExitStatus::kInternal;
}

ExitStatus exit_status_of_text(ErrorCode code) {
  return code == ErrorCode::kInvalidArgument || code == ErrorCode::kCorrupt ? ExitStatus::kInput
                                                                            : exit_status(code);
}

}  // namespace vecton::cli
