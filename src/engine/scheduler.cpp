#include "engine/scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vecton {

bool Scheduler::has_room(int64_t tokens) const {
  return queue_.empty() || tokens_ + tokens <= limits_.max_queue_tokens;
}

void Scheduler::push(std::vector<Sequence> sequences) {
  for (Sequence& sequence : sequences) {
    tokens_ += sequence.tokens();
    queue_.push_back(std::move(sequence));
  }
}

Scheduler::Step Scheduler::next() {
  Step step;
  const int64_t share = (tokens_ + limits_.workers - 1) / limits_.workers;
  const int64_t budget =
      std::clamp(share, std::min(limits_.min_batch_tokens, limits_.max_batch_tokens),
                 limits_.max_batch_tokens);
  int64_t batch_tokens = 0;
  auto kept = queue_.begin();  // where the next sequence that stays goes
  auto at = queue_.begin();
  for (; at != queue_.end(); ++at) {
    if (at->group->cancelled->load()) {
      tokens_ -= at->tokens();
      step.cancelled.push_back(std::move(*at));
    } else if (!step.batch.empty() && at->tasks != step.batch.front().tasks) {
      if (kept != at) *kept = std::move(*at);
      ++kept;
    } else if (step.batch.empty() || batch_tokens + at->tokens() <= budget) {
      tokens_ -= at->tokens();
      batch_tokens += at->tokens();
      step.batch.push_back(std::move(*at));
    } else {
      break;
    }
  }
  queue_.erase(kept, at);
  return step;
}

std::vector<Sequence> Scheduler::clear() {
  tokens_ = 0;
  std::vector<Sequence> all(std::move_iterator(queue_.begin()), std::move_iterator(queue_.end()));
  queue_.clear();
  return all;
}

}  // namespace vecton
