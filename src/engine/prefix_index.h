// PrefixIndex: which block of a KV cache stands for which tokens. Sequences that
// begin alike share blocks; a block is found by the hash of its tokens, of the images that they
// stand for, and of all before them, and compared exactly. Bookkeeping only: no tensors, no
// threads, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "heads/work.h"

namespace vecton::engine {

class PrefixIndex {
 public:
  static constexpr int64_t kPageTokens = 16;
  using Images = std::span<const heads::ImageTokens>;  // of a sequence

  explicit PrefixIndex(int64_t blocks);

  // Of each full block of `ids`: a hash of it and of what is before it. Made outside the lock.
  static std::vector<uint64_t> keys(std::span<const int32_t> ids, std::string_view salt,
                                    Images images = {});
  // Adds those of the blocks that have become full.
  static void extend(std::vector<uint64_t>& keys, std::span<const int32_t> ids,
                     std::string_view salt, Images images = {});

  // A sequence as the index sees it.
  struct Prefix {
    std::span<const int32_t> ids;
    std::span<const uint64_t> keys;
    std::string_view salt;
    Images images = {};
  };

  // A sequence has come in; whether the prefix that `key` stands for has come twice of late.
  void note(const Prefix& prefix);
  bool often(uint64_t key) const;

  // The leading blocks of a sequence that are there: computed, or being computed by `batch` itself;
  // never the one of its last token, which is what an answer is taken from. `pending`: the block
  // after them, which another batch is computing; -1 = none is.
  struct Found {
    std::vector<int32_t> blocks;
    int32_t pending = -1;
  };
  Found find(const Prefix& prefix, int64_t batch) const;

  // Page number `index` of the sequence is in `block`, after the block `before` (-1 = at the
  // start). Nothing happens, and false is returned, where it is known already, in another block.
  bool add(const Prefix& prefix, size_t index, int32_t before, int32_t block, int64_t batch);
  void set_computed(int32_t block) { entry_of(block).batch = kComputed; }
  void forget(int32_t block);  // nobody finds it any more; it need not be known

 private:
  static constexpr int64_t kComputed = -1;

  struct Entry {
    uint64_t key = 0, id = 0, parent = 0;  // ids are never used again; 0 = the block is not known
    std::array<int32_t, kPageTokens> tokens{};
    std::string salt;
    std::vector<std::array<uint64_t, 2>> images;  // digests of those that its tokens are of
    int64_t batch = kComputed;                    // that computes it
  };
  Entry& entry_of(int32_t block) { return entries_[static_cast<size_t>(block)]; }
  uint64_t id_of(int32_t block) const {
    return block < 0 ? 0 : entries_[static_cast<size_t>(block)].id;
  }
  int32_t match(const Prefix& prefix, size_t index, uint64_t parent) const;

  std::vector<Entry> entries_;  // of each block
  std::unordered_multimap<uint64_t, int32_t> blocks_;
  std::vector<std::pair<uint64_t, int>> sightings_;
  uint64_t next_id_ = 1;
};

}  // namespace vecton::engine
