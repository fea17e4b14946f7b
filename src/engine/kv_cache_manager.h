// KvCacheManager: which blocks of the KV cache a sequence gets: those that others have computed of
// its beginning (PrefixIndex), and new ones for what follows. A block stands for kPageTokens tokens
// and has a page (PagePool) in each group of layers; layers with a window keep theirs for as long
// as they can see it. Used by the Scheduler, under the engine's lock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/page_pool.h"
#include "engine/prefix_index.h"
#include "engine/state_slots.h"

namespace vecton::engine {

// The blocks of a sequence, in order, and of each group of layers the first whose page the sequence
// refers to: none of the layers sees those before.
struct BlockList {
  std::vector<int32_t> blocks;
  std::vector<int32_t> first;  // [groups]
};

class KvCacheManager {
 public:
  using Prefix = PrefixIndex::Prefix;
  using Found = PrefixIndex::Found;
  static constexpr int64_t kPageTokens = PrefixIndex::kPageTokens;

  // `windows`: of each group of layers (tensor::CacheGroup::window). `state_slots`: of layers that
  // keep a state.
  KvCacheManager(int64_t pages, std::vector<int64_t> windows, int64_t state_slots = 0);

  void note(const Prefix& prefix) { index_.note(prefix); }
  // As many leading blocks as all groups can go on from.
  Found find(const Prefix& prefix, int64_t batch) const;

  BlockList refer(std::vector<int32_t> blocks);  // until release()

  // Blocks for the tokens after those of `found`, up to `end`, which `batch` will compute; all
  // their pages are referred to. Fewer than asked for where there is no room or, once the cache is
  // well filled, where the prefix has not come twice.
  std::vector<int32_t> allocate(const Prefix& prefix, std::span<const int32_t> found, int64_t end,
                                int64_t batch);
  // All of them, of what has been reserved; `reserved` counts down.
  std::vector<int32_t> allocate_reserved(const Prefix& prefix, std::span<const int32_t> found,
                                         int64_t end, int64_t batch, int64_t& reserved);
  // The most pages that a sequence takes at once for the `blocks` blocks that follow those of
  // `list`, allocated `piece` or fewer at a time: in a group with a window the pages that it no
  // longer sees come back.
  int64_t pages_owed(const BlockList& list, int64_t blocks, int64_t piece) const;
  bool reserve(int64_t pages) { return pool_.reserve(pages); }
  void unreserve(int64_t pages) { pool_.unreserve(pages); }

  // Of sequences that grow token by token. Whether a sequence that has `blocks` of its blocks can
  // come to have `tokens` tokens, if nobody else takes pages; and the most tokens that one can ever
  // have. A batch computes at most `chunk` tokens of it.
  bool has_room(int64_t tokens, int64_t blocks) const;
  int64_t most_tokens() const;
  void set_chunk(int64_t chunk) { chunk_ = chunk; }
  // So many blocks that nobody finds, with all their pages; nothing where there are not so many.
  std::optional<std::vector<int32_t>> take(int64_t blocks);
  // Others find it from now on, as soon as `batch` has computed it. False = they find another one.
  bool publish(const Prefix& prefix, size_t index, int32_t before, int32_t block, int64_t batch) {
    return index_.add(prefix, index, before, block, batch);
  }
  // The sequence has come to `tokens` tokens, with these blocks: as extend().
  void advance(BlockList& list, std::span<const int32_t> blocks, int64_t tokens);
  // Gives back the blocks that none of its first `tokens` tokens lies in.
  void cut(BlockList& list, int64_t tokens);
  // What its blocks from number `from` on hold is of no use to others.
  void discard(const BlockList& list, int64_t from);

  // What a batch has computed is there for others now. Where it has failed, nobody finds it.
  void set_computed(std::span<const int32_t> blocks, bool computed);
  // The sequence has come to the end of `blocks`, which it was given by allocate(): they are of its
  // list now. Pages that its layers do not see from there are released.
  void extend(BlockList& list, std::span<const int32_t> blocks);
  void release(const BlockList& list);
  void release(std::span<const int32_t> blocks);  // all pages

  // Writes block tables, [groups, blocks]; `tables` keeps its memory. Where a group does not see a
  // block its place is taken by the first that it sees.
  void block_tables(const BlockList& list, std::vector<int32_t>& tables) const;
  void block_tables(std::span<const int32_t> blocks, std::vector<int32_t>& tables) const;

  // States, and snapshots of them, which go when their blocks do.
  StateSlots& states() { return states_; }
  bool has_windows() const;

  int64_t groups() const { return static_cast<int64_t>(windows_.size()); }
  int64_t pages() const { return pool_.pages(); }
  int64_t used() const { return pool_.used(); }
  int64_t in_use() const { return pool_.in_use(); }

 private:
  bool worth_keeping(uint64_t key) const;
  // The first block that a group sees from the token after `blocks` of them.
  int64_t kept_pages(const std::vector<int32_t>& blocks, int64_t count) const;
  int64_t first_seen(size_t group, int64_t blocks) const;
  std::optional<int32_t> take_block(bool reserved);
  void take_from_its_block(int32_t page);
  void forget(int32_t block);
  int64_t pages_needed(int64_t tokens, int64_t blocks) const;
  void release_unseen(BlockList& list, size_t group, int64_t seen);
  int32_t page(int32_t block, size_t group) const {
    return page_[static_cast<size_t>(block) * windows_.size() + group];
  }

  std::vector<int64_t> windows_;
  int64_t chunk_ = 1024;
  PagePool pool_;
  PrefixIndex index_;  // of blocks
  StateSlots states_;
  std::vector<int32_t> page_;         // [blocks, groups]; -1 = others have it
  std::vector<int64_t> place_;        // of each page in page_; -1 = in none
  std::vector<int32_t> free_blocks_;  // without a page
  std::vector<int32_t> taken_;        // [groups], of take_block()
};

}  // namespace vecton::engine
