// Sequence: one request on its way through the engine: what is to be computed, how far it is, and
// where the answer goes. Group: the requests of one submit, answered together.
#pragma once

#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/kv_cache_manager.h"
#include "heads/work.h"
#include "vecton/vecton.h"

namespace vecton::engine {

struct Group {
  std::vector<Result> results;
  std::atomic<int64_t> left{0};  // results still to come
  std::atomic<bool> cancelled{false};
  std::function<void(std::vector<Result>)> done;
};

// Groups that their callers have given up: the way from a Ticket, which may outlive the engine, to
// the scheduler.
struct GivenUp {
  std::mutex mutex;
  std::vector<std::weak_ptr<Group>> groups;
};

// Where the answer goes, and what is said beside it.
struct Delivery {
  std::shared_ptr<Group> group;
  size_t index = 0;                    // in the group
  std::vector<TokenInfo> tokens_info;  // of texts whose answer is token by token; else empty
  // Pictures among the tokens: `begin` counts these; of those whose answer is token by token.
  std::vector<ImageGrid> image_grids;
  bool truncated = false;
  int64_t padding = 0;      // tokens at the end that nobody wrote (ModelShape::padded_to)
  int64_t priority = 0;     // lower ones are computed first
  double tokenization = 0;  // seconds
  std::chrono::steady_clock::time_point queued;
};

// The lesser comes first.
struct Turn {
  int64_t priority = 0;
  double done = 0;      // where requests of one priority share alike: ProcessorSharing
  int64_t arrived = 0;  // a number of the request

  auto operator<=>(const Turn&) const = default;
};

struct Generating;
struct SequenceImages;

struct Sequence : heads::Work, Delivery {
  std::shared_ptr<Generating> generating;    // of a Generate, which has a sequence per completion
  std::shared_ptr<SequenceImages> pictures;  // null = it has none
  std::vector<uint64_t> page_keys;           // of PrefixIndex; empty = the cache is not for it
  Turn turn;                                 // of one that does not generate: the Scheduler's

  // Of the batch that it is in: the blocks that its first tokens lie in, those that the next ones
  // are written to, their pages, [groups of layers, blocks], and the end of the tokens that are
  // computed. Before the last of its tokens it is a chunk, computed for its pages alone.
  BlockList blocks;
  std::vector<int32_t> new_blocks;
  std::vector<int32_t> block_tables, new_pages;
  int64_t end = 0;
  int64_t drafted = 0;   // the last of its tokens are a draft: guesses, which the batch checks
  int64_t reserved = 0;  // pages that it is owed
  bool whole = false;    // a chunk has failed: it is computed in one piece
  // Of one that generates: tokens that it need not compute again, and tokens whose keys and values
  // the cache has. These are more where layers have a state that is known of fewer tokens only.
  int64_t computed = 0, stored = 0;
  // Where its states are kept, 0 = the model's layers have none; where they are read until then,
  // the snapshot of `state_block`, 0 = in state_slot; and where this batch leaves a snapshot, 0 =
  // nowhere.
  int32_t state_slot = 0, read_slot = 0, snapshot_slot = 0;
  int32_t state_block = -1;

  // Of models that turn long sequences otherwise (models::ModelShape::long_after): whether it is
  // one, which its salt begins with, so that what is kept of it is found by those that turn alike.
  bool is_long = false;

  void salt_by_length(int64_t long_after) {
    is_long = tokens() > long_after;
    cache_salt.insert(cache_salt.begin(), is_long ? 'l' : 's');
  }
  void become_long() {
    is_long = true;
    cache_salt.front() = 'l';
    page_keys.clear();
  }

  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  bool is_chunk() const { return end < tokens(); }
  // Tokens whose keys and values the cache has.
  int64_t cached() const {
    return generating ? computed
                      : static_cast<int64_t>(blocks.blocks.size()) * PrefixIndex::kPageTokens;
  }
};

// What of it the prefix index knows it by.
inline PrefixIndex::Prefix prefix_of(const Sequence& sequence) {
  return {sequence.ids, sequence.page_keys, sequence.cache_salt, sequence.images};
}

// Sequences that one call may park: the caller holds a lock.
inline constexpr int64_t kMostParked = 256;

}  // namespace vecton::engine
