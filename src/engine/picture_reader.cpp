#include "engine/picture_reader.h"

#include "vecton/error.h"

namespace vecton::engine {

PictureReader make_picture_reader(const Plan& plan) {
  if (!plan.images) return {};
  throw Error(ErrorCode::kUnsupported, plan.architecture + ": its images can't be prepared");
}

}  // namespace vecton::engine
