// Scheduler: sequences in, next batch or nothing out. A pure state machine: no threads, no clock,
// no model.
//
// By priority, and of one priority the request first that would be done first if all were computed
// at once, turn by turn (ProcessorSharing): of equal ones that which came first; a query passes the
// bulk before it. A batch takes waiting sequences, whatever their tasks, in order until the next
// would not fit into its token budget. The budget is a worker's fair share of what waits, so that
// all workers get some, within the limits; what has passed a request of more than a batch is given
// little of that request beside it, as it would wait for what it has passed. With a prefix cache,
// tokens that it has are not counted; a sequence whose next block another batch is computing is
// parked under that block until it is there; and a long sequence is computed in chunks (chunked
// prefill), between which others get their turns. Its pages are reserved when it begins, so that it
// can always go on. Sequences that generate are a GenerationQueue's, and come first in a batch.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/generation_queue.h"
#include "engine/kv_cache_manager.h"
#include "engine/processor_sharing.h"
#include "engine/sequence.h"

namespace vecton::engine {

class Scheduler {
 public:
  struct Limits {
    int64_t max_batch_tokens = 1024;  // a longer sequence is a batch of its own
    int64_t min_batch_tokens = 128;   // smaller shares are not worth a worker of their own
    int64_t max_queue_tokens = 1 << 20;
    int workers = 1;
    int64_t cache_pages = 0;                // 0 = no prefix cache
    std::vector<int64_t> cache_windows{0};  // of each group of layers
    bool generates = false;
    GenerationQueue::Limits generation{};
  };
  explicit Scheduler(const Limits& limits);

  // Whether `tokens` more may wait. An empty queue takes anything.
  bool has_room(int64_t tokens) const;
  // The sequences of one request.
  void push(std::vector<Sequence> sequences);

  struct Step {
    std::vector<Sequence> batch;      // to be computed together; empty = nothing can be now
    std::vector<Sequence> cancelled;  // given up by their callers
    std::vector<Sequence> ended;      // generating, given up one by one: what there is, is answered
    bool more = false;                // nothing was found yet: ask again
  };
  Step next();
  // A batch has been computed, or has failed. Takes the chunks out of it: their sequences go on.
  void finish(std::vector<Sequence>& batch, bool computed);
  // The sequences of a group that wait are those cancelled of the next step.
  void cancel(const Group& group);
  std::vector<Sequence> clear();  // everything that waits

  int64_t waiting() const { return waiting_ + (generation_ ? generation_->waiting() : 0); }
  int64_t waiting_tokens() const {
    return tokens_ + (generation_ ? generation_->waiting_tokens() : 0);
  }
  // Of one sequence that generates, the completion among them; 0 = any number.
  int64_t most_tokens() const { return cache_ ? cache_->most_tokens() : 0; }
  // Batches that could begin now, at most; of the least size that is worth a worker.
  int64_t ready_batches() const;
  // Sequences that have been looked at since the beginning, for tests.
  int64_t looks() const { return looks_ + (generation_ ? generation_->looks() : 0); }

  // In tokens: asked of the cache, found there. Pages: all, in use.
  struct CacheStats {
    int64_t queries = 0, hits = 0, preemptions = 0;
    int64_t pages = 0, used = 0, in_use = 0;  // all; in use or kept; in use
  };
  CacheStats cache_stats() const;

 private:
  struct Queue;
  struct Waiting {
    Sequence sequence;
    Queue* queue = nullptr;  // that it is in
  };
  using Place = std::list<Waiting>::iterator;
  struct Queue {
    std::list<Waiting> list;
    int64_t tokens = 0;
    bool ready = true;  // not parked
  };
  // What waits of one request.
  struct Waits {
    Queue begun{};  // sequences that have been computed in part
    std::list<Queue> ready{
        1};  // the others: those that were parked, then, the last, those that came

    int64_t tokens() const;
  };
  // Where the sequences of a group wait, by their index.
  struct Places {
    std::vector<std::optional<Place>> at;
    int64_t waiting = 0;
  };

  void insert(Queue& queue, Sequence sequence);
  Sequence remove(Place place);
  void count(Queue& queue, const Sequence& sequence, int64_t sign);
  void park(int32_t block, Place place);
  void unpark(int32_t block);
  void give_up(Sequence& sequence);  // it is not computed any more: its turn and its pages
  void release(Sequence& sequence);  // its pages
  void served(int64_t priority, int64_t tokens);
  void go_on(Sequence sequence, bool computed);

  // Fills the batch. False = it is full, or enough has been looked at.
  bool fill(Queue& queue, int64_t budget, Step& step);
  bool fill(std::list<Queue>& ready, int64_t budget, Step& step);
  bool fill(Waits& request, int64_t budget, Step& step);
  void fill(int64_t budget, Step& step);
  // Adds the first of a queue to the batch with what the cache has of it; or parks it.
  enum class Taken { kYes, kParked, kTooBig };
  Taken take(Queue& queue, int64_t budget, Step& step);
  int64_t chunk_tokens() const;
  bool owe_pages(Sequence& sequence);
  void allocate(Sequence& sequence, int64_t end);

  Limits limits_;
  std::map<Turn, Waits> requests_;
  std::map<int64_t, ProcessorSharing> sharing_;  // by priority, of those that wait
  int64_t arrived_ = 0;                          // requests
  // By the block that they wait for, and by request. A queue moves to its request as it is: nobody
  // looks through it.
  std::list<Queue> parked_;
  std::unordered_map<int32_t, std::map<Turn, std::list<Queue>::iterator>> parked_for_;
  std::unordered_map<const Group*, Places> places_;
  std::vector<Sequence> cancelled_;
  int64_t waiting_ = 0, tokens_ = 0, ready_sequences_ = 0, ready_tokens_ = 0;
  int64_t batch_tokens_ = 0, batch_ = 0, looks_ = 0, parked_now_ = 0;
  bool chunk_last_ = false, others_turn_ = false;
  // On the heap: the queue points to the cache.
  std::unique_ptr<KvCacheManager> cache_;
  std::unique_ptr<GenerationQueue> generation_;
  CacheStats stats_;
};

}  // namespace vecton::engine
