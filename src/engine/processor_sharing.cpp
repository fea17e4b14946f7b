#include "engine/processor_sharing.h"

namespace vecton::engine {

double ProcessorSharing::arrive(int64_t tokens) {
  const double done = now_ + static_cast<double>(tokens);
  present_.push(done);
  waiting_ += tokens;
  return done;
}

void ProcessorSharing::serve(int64_t tokens) {
  waiting_ -= tokens;
  auto left = static_cast<double>(tokens);
  while (!present_.empty()) {
    const auto requests = static_cast<double>(present_.size());
    const double until_next = (present_.top() - now_) * requests;
    if (until_next > left) {
      now_ += left / requests;
      return;
    }
    left -= until_next;
    now_ = present_.top();
    present_.pop();
  }
}

}  // namespace vecton::engine
