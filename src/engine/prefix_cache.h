// PrefixCache: which pages of a KvCache hold the keys and values of which tokens. Sequences that
// begin alike share pages; a page is found again by its tokens and all tokens before it, exactly.
// Bookkeeping only: no tensors, no threads, no clock. Used by the Scheduler, under the engine's
// lock.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace vecton {

class PrefixCache {
 public:
  static constexpr int64_t kPageTokens = 16;

  explicit PrefixCache(int64_t pages);

  // Of each full page of `ids`: a hash of it and of what is before it. Made outside the lock.
  static std::vector<uint64_t> keys(std::span<const int32_t> ids, std::string_view salt);

  // A sequence as the cache sees it.
  struct Prefix {
    std::span<const int32_t> ids;
    std::span<const uint64_t> keys;
    std::string_view salt;
  };

  // A sequence has come in. Once the cache is well filled, only pages that have come twice are
  // kept.
  void note(const Prefix& prefix);

  // Its leading pages that are there: computed, or being computed by `batch` itself. `pending`: the
  // page after them is being computed by another batch.
  struct Found {
    std::vector<int32_t> pages;
    bool pending = false;
  };
  Found find(const Prefix& prefix, int64_t batch) const;

  // Takes pages for what follows `found`, up to the token `end`, for `batch` to compute; evicts the
  // least recently used. Fewer than asked for where there is no room or, unless `always`, no
  // reason. All of `found` and of the result are in use until release().
  std::vector<int32_t> claim(const Prefix& prefix, std::span<const int32_t> found, int64_t end,
                             int64_t batch, bool always = false);
  // The batch is done with them. Pages that it claimed are there for others now, if it was
  // computed.
  void release(std::span<const int32_t> found, std::span<const int32_t> claimed, bool computed);

  int64_t pages() const { return static_cast<int64_t>(pages_.size()); }
  int64_t used() const { return pages() - static_cast<int64_t>(free_.size()); }

 private:
  static constexpr int64_t kReady = -1, kLost = -2;  // kLost: its batch failed

  struct Page {
    uint64_t key = 0, id = 0, parent = 0;  // ids are never used again
    std::array<int32_t, kPageTokens> tokens{};
    std::string salt;
    int64_t batch = kReady;  // that computes it
    int users = 0;
    uint64_t touched = 0;
  };

  int32_t match(const Prefix& prefix, size_t index, uint64_t parent) const;
  uint64_t id_of(std::span<const int32_t> pages) const;
  int32_t take_page();
  void unlist(int32_t page);
  void use(int32_t page);
  void leave(int32_t page);
  bool often(uint64_t key) const;

  std::vector<Page> pages_;
  std::vector<int32_t> free_;
  std::unordered_multimap<uint64_t, int32_t> index_;
  std::set<std::pair<uint64_t, int32_t>> unused_;  // by when they were touched last
  std::vector<std::pair<uint64_t, int>> sightings_;
  uint64_t next_id_ = 1, now_ = 0;
};

}  // namespace vecton
