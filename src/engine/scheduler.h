// Scheduler: sequences in, next batch or nothing out. A pure state machine: no threads, no clock,
// no model.
//
// First come, first served, by token budget: a batch takes waiting sequences of one task in order
// until the next would not fit. The budget is a worker's fair share of what waits, so that all
// workers get some, within the limits.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "engine/sequence.h"

namespace vecton {

class Scheduler {
 public:
  struct Limits {
    int64_t max_batch_tokens = 1024;  // a longer sequence is a batch of its own
    int64_t min_batch_tokens = 128;   // smaller shares are not worth a worker of their own
    int64_t max_queue_tokens = 1 << 20;
    int workers = 1;
  };
  explicit Scheduler(const Limits& limits) : limits_(limits) {}

  // Whether `tokens` more may wait. An empty queue takes anything.
  bool has_room(int64_t tokens) const;
  void push(std::vector<Sequence> sequences);

  struct Step {
    std::vector<Sequence> batch;      // to be computed together; empty = nothing waits
    std::vector<Sequence> cancelled;  // given up by their callers
  };
  Step next();
  std::vector<Sequence> clear();  // everything that waits

  int64_t waiting() const { return static_cast<int64_t>(queue_.size()); }
  int64_t waiting_tokens() const { return tokens_; }

 private:
  Limits limits_;
  std::deque<Sequence> queue_;
  int64_t tokens_ = 0;
};

}  // namespace vecton
