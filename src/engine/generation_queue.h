// GenerationQueue: the sequences that generate, from when they come to when they end. Fills the
// first part of a batch: those that go on by a token, then chunks of prompts. A pure state machine,
// part of the Scheduler.
//
// Pages are taken as tokens come. Where there are none, the sequence that came last gives its own
// back and begins anew, with what it has written as part of its prompt: the same numbers, later.
//
// A sequence that comes to turn otherwise (Limits::long_after) begins anew as well: nothing that
// was kept of it stands for what follows.
//
// Of models whose layers keep a state, snapshots of it are left at the ends of chunks, at the last
// block of a prompt that others can begin with, where a sequence parts from what is known, and at
// the last block that was written. One that finds more blocks than states computes what is between
// again, and leaves a snapshot there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/generating.h"
#include "engine/kv_cache_manager.h"
#include "engine/sequence.h"
#include "engine/waiting_list.h"

namespace vecton::engine {

class GenerationQueue {
 public:
  struct Limits {
    int64_t max_num_seqs = 256;  // that have begun and not ended
    // Tokens of prompts in a batch beside sequences that wait for their next token.
    int64_t chunk = 256;
    // Of models whose layers keep a state of a sequence: slots of the cache, 1 to so many; each
    // sequence that has begun has one, the others are for snapshots.
    int64_t state_slots = 0;
    // models::ModelShape::long_after.
    int64_t long_after = 0;
    // Sequences that go on by a token, and tokens of their drafts, in a batch: from so many on
    // rows cost their own time, and guesses no longer pay.
    int64_t draft_rows = 64;
  };
  // `cache`: null = nothing is kept, every token is computed from all before it.
  GenerationQueue(const Limits& limits, KvCacheManager* cache);

  void push(Sequence sequence);

  // Moves sequences to `batch`, at most `budget` tokens; `number` is the batch's. Those whose
  // callers have given them up go to `ended`. The tokens of the batch.
  int64_t fill(std::vector<Sequence>& batch, std::vector<Sequence>& ended, int64_t budget,
               int64_t number);
  // A sequence of a batch that has been computed, or has failed; appends the blocks that others may
  // wait for to `blocks`. True = it goes on, and has been taken back.
  bool finish(Sequence& sequence, bool computed, std::vector<int32_t>& blocks);
  // A batch that had sequences which went on by a token.
  void finish_decoding() { decoding_ = false; }
  // The block has been computed, or will not be: those that wait for it can begin.
  void unpark(int32_t block) { waiting_.unpark(block); }

  // Moves those of the group that are in no batch to `cancelled`.
  void cancel(const Group& group, std::vector<Sequence>& cancelled) {
    give_up(group, nullptr, cancelled);
  }
  void clear(std::vector<Sequence>& all);

  int64_t waiting() const { return waiting_.size(); }
  int64_t waiting_tokens() const { return waiting_.tokens(); }
  // Batches that could be filled now, at most.
  int64_t ready_batches() const;
  int64_t preemptions() const { return preemptions_; }
  // The last fill() has looked at enough of those that wait, not at all that could begin.
  bool has_more() const { return has_more_; }
  // Waiting sequences that have been looked at since the beginning, for tests.
  int64_t looks() const { return looks_; }

  // In tokens: asked of the cache, found there.
  int64_t queries() const { return queries_; }
  int64_t hits() const { return hits_; }

 private:
  using Key = WaitingList::Key;
  using List = std::map<Key, Sequence>;
  static bool goes_on(const Sequence& sequence);
  static Key key_of(const Sequence& sequence);

  // Takes it out of the lists; nothing where it is in a batch.
  std::optional<Sequence> take(const Key& key);
  void give_up(const Group& group, const Stream* stream, std::vector<Sequence>& given_up);
  void forget(const Sequence& sequence);
  bool grow(Sequence& sequence, int64_t end, int64_t number);
  bool take_draft(Sequence& sequence, int64_t most, int64_t number);
  bool make_room(List::iterator sequence, int64_t end, int64_t number);
  void preempt(List::iterator sequence);
  void begin_anew(Sequence sequence);
  void extend_keys(Sequence& sequence) const;
  void release(Sequence& sequence);
  bool leaves_snapshots(const Sequence& sequence) const;
  void begin_snapshot(Sequence& sequence);
  void finish_snapshot(Sequence& sequence, bool computed);
  int32_t find(Sequence& sequence, int64_t number);
  void publish(Sequence& sequence, int64_t blocks, int64_t number);
  struct Begun {
    bool yes = false;      // else there is no room, or
    int32_t pending = -1;  // another batch computes this block of its beginning
  };
  Begun begin(Sequence& sequence, int64_t number);
  int64_t chunk_end(const Sequence& sequence, int64_t budget) const;
  void move_to(std::vector<Sequence>& batch, Sequence sequence, int64_t end);
  int64_t fill_from_waiting(std::vector<Sequence>& batch, int64_t most, int64_t left,
                            int64_t number);

  Limits limits_;
  KvCacheManager* cache_;
  WaitingList waiting_;
  List running_;  // have begun, in no batch
  // Sequences that have not ended, also those in batches, and their streams.
  std::unordered_map<const Group*, std::map<Key, const Stream*>> members_;
  std::vector<Sequence> ended_;  // given up since the last fill()
  int64_t in_batches_ = 0;
  bool decoding_ = false;  // a batch with sequences that go on by a token is being computed
  uint64_t next_order_ = 1;
  bool has_more_ = false;
  int64_t preemptions_ = 0, queries_ = 0, hits_ = 0, looks_ = 0;
};

}  // namespace vecton::engine
