// Scheduler: sequences in, next batch or nothing out. A pure state machine: no threads, no clock,
// no model.
//
// First come, first served, by token budget: a batch takes waiting sequences of the same tasks in
// order until the next would not fit. The budget is a worker's fair share of what waits, so that
// all workers get some, within the limits. With a prefix cache, tokens that it has are not counted;
// a sequence whose next page another batch is computing waits for that batch; and a long sequence
// is computed in chunks, which leave their pages in the cache, so that others get their turns
// between.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "engine/prefix_cache.h"
#include "engine/sequence.h"

namespace vecton {

class Scheduler {
 public:
  struct Limits {
    int64_t max_batch_tokens = 1024;  // a longer sequence is a batch of its own
    int64_t min_batch_tokens = 128;   // smaller shares are not worth a worker of their own
    int64_t max_queue_tokens = 1 << 20;
    int workers = 1;
    int64_t cache_pages = 0;  // 0 = no prefix cache
  };
  explicit Scheduler(const Limits& limits);

  // Whether `tokens` more may wait. An empty queue takes anything.
  bool has_room(int64_t tokens) const;
  void push(std::vector<Sequence> sequences);

  struct Step {
    std::vector<Sequence> batch;      // to be computed together; empty = nothing can be now
    std::vector<Sequence> cancelled;  // given up by their callers
  };
  Step next();
  // A batch has been computed, or has failed.
  void finish(const std::vector<Sequence>& batch, bool computed);
  std::vector<Sequence> clear();  // everything that waits

  int64_t waiting() const { return static_cast<int64_t>(queue_.size()); }
  int64_t waiting_tokens() const { return tokens_; }
  int64_t waiting_batches() const;  // at most; of the least size that is worth a worker

  // In tokens: asked of the cache, found there. Pages: all, in use.
  struct CacheStats {
    int64_t queries = 0, hits = 0, pages = 0, used = 0;
  };
  CacheStats cache_stats() const;

 private:
  // Adds `sequence` to the batch with what the cache has of it; false = it has to wait, or does not
  // fit.
  enum class Taken { kYes, kWaits, kTooBig };
  Taken take(Sequence& sequence, int64_t budget, Step& step);
  bool take_chunk(const Sequence& sequence, std::vector<int32_t> found, Step& step);

  Limits limits_;
  std::deque<Sequence> queue_;
  int64_t tokens_ = 0, batch_tokens_ = 0, batch_ = 0;
  std::optional<PrefixCache> cache_;
  CacheStats stats_;
  bool chunks_ = true;  // until one fails
};

}  // namespace vecton
