// KvCacheManager: which pages of the KV cache a sequence gets: those that others have computed of
// its beginning (PrefixIndex), and new ones (PagePool) for what follows. Used by the Scheduler,
// under the engine's lock.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/page_pool.h"
#include "engine/prefix_index.h"

namespace vecton::engine {

class KvCacheManager {
 public:
  using Prefix = PrefixIndex::Prefix;
  using Found = PrefixIndex::Found;
  static constexpr int64_t kPageTokens = PrefixIndex::kPageTokens;

  explicit KvCacheManager(int64_t pages) : pool_(pages), index_(pages) {}

  void note(const Prefix& prefix) { index_.note(prefix); }
  Found find(const Prefix& prefix, int64_t batch) const { return index_.find(prefix, batch); }

  void refer(std::span<const int32_t> pages);  // until release()

  // Pages for the tokens after those of `found`, up to `end`, which `batch` will compute; referred
  // to until release(). Fewer than asked for where there is no room or, once the cache is well
  // filled, where the prefix has not come twice.
  std::vector<int32_t> allocate(const Prefix& prefix, std::span<const int32_t> found, int64_t end,
                                int64_t batch);
  // All of them, of what has been reserved; `reserved` counts down.
  std::vector<int32_t> allocate_reserved(const Prefix& prefix, std::span<const int32_t> found,
                                         int64_t end, int64_t batch, int64_t& reserved);
  bool reserve(int64_t pages) { return pool_.reserve(pages); }
  void unreserve(int64_t pages) { pool_.unreserve(pages); }

  // What a batch has computed is there for others now. Where it has failed, nobody finds it.
  void set_computed(std::span<const int32_t> pages, bool computed);
  void release(std::span<const int32_t> pages);

  int64_t pages() const { return pool_.pages(); }
  int64_t used() const { return pool_.used(); }

 private:
  bool worth_keeping(uint64_t key) const;

  PagePool pool_;
  PrefixIndex index_;
};

}  // namespace vecton::engine
