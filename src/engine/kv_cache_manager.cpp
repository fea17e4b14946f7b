#include "engine/kv_cache_manager.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace vecton::engine {

// Every block has a page or more, so there are as many at most.
KvCacheManager::KvCacheManager(int64_t pages, std::vector<int64_t> windows, int64_t state_slots)
    : windows_(std::move(windows)),
      pool_(pages),
      index_(pages),
      states_(state_slots),
      page_(static_cast<size_t>(pages) * windows_.size(), -1),
      place_(static_cast<size_t>(pages), -1),
      free_blocks_(static_cast<size_t>(pages)),
      taken_(windows_.size()) {
  std::iota(free_blocks_.rbegin(), free_blocks_.rend(), 0);
}

bool KvCacheManager::has_windows() const {
  return std::ranges::any_of(windows_, [](int64_t window) { return window > 0; });
}

void KvCacheManager::forget(int32_t block) {
  index_.forget(block);
  states_.forget(block);
}

// While 1/16 of the pages is used everything is kept.
bool KvCacheManager::worth_keeping(uint64_t key) const {
  constexpr int64_t kPart = 16;
  return used() < pages() / kPart || index_.often(key);
}

// A token sees `window` tokens with itself (AttentionShape::window). The last block always counts:
// what follows it is found by it.
int64_t KvCacheManager::first_seen(size_t group, int64_t blocks) const {
  const int64_t window = windows_[group];
  const int64_t token = blocks * kPageTokens - window + 1;
  return window == 0 || token <= 0 ? 0 : std::min(blocks - 1, token / kPageTokens);
}

// Of the pages that the first `count` blocks are seen by, those that nobody refers to yet. What is
// owed to others is not there for them.
int64_t KvCacheManager::kept_pages(const std::vector<int32_t>& blocks, int64_t count) const {
  int64_t kept = 0;
  for (size_t group = 0; group < windows_.size(); ++group) {
    for (int64_t i = count == 0 ? 0 : first_seen(group, count); i < count; ++i)
      kept += !pool_.in_use(page(blocks[static_cast<size_t>(i)], group));
  }
  return kept;
}

int64_t KvCacheManager::pages_owed(const BlockList& list, int64_t blocks, int64_t piece) const {
  int64_t pages = 0;
  for (size_t group = 0; group < windows_.size(); ++group) {
    if (windows_[group] == 0) {
      pages += blocks;
      continue;
    }
    const auto count = static_cast<int64_t>(list.blocks.size());
    const int64_t held = count - (list.first.empty() ? 0 : list.first[group]);
    const int64_t seen = std::max<int64_t>(1, (windows_[group] + kPageTokens - 2) / kPageTokens);
    pages += std::min(blocks, piece + std::max<int64_t>(0, seen - held));
  }
  return pages;
}

KvCacheManager::Found KvCacheManager::find(const Prefix& prefix, int64_t batch) const {
  Found found = index_.find(prefix, batch);
  auto usable = static_cast<int64_t>(found.blocks.size());
  for (size_t group = 0; group < windows_.size();) {
    int64_t lacking = usable - 1;  // the last that the group sees and has no page of
    const int64_t first = usable == 0 ? 0 : first_seen(group, usable);
    while (lacking >= first && page(found.blocks[static_cast<size_t>(lacking)], group) >= 0)
      --lacking;
    if (usable > 0 && lacking >= first) {
      usable = lacking;
      group = 0;
    } else if (++group == windows_.size() &&
               kept_pages(found.blocks, usable) > std::max<int64_t>(0, pool_.available())) {
      --usable;
      group = 0;
    }
  }
  if (usable < static_cast<int64_t>(found.blocks.size())) {
    found.blocks.resize(static_cast<size_t>(usable));
    found.pending = -1;
  }
  return found;
}

BlockList KvCacheManager::refer(std::vector<int32_t> blocks) {
  BlockList list{.blocks = std::move(blocks), .first = {}};
  const auto count = static_cast<int64_t>(list.blocks.size());
  for (size_t group = 0; group < windows_.size(); ++group) {
    const int64_t first = count == 0 ? 0 : first_seen(group, count);
    list.first.push_back(static_cast<int32_t>(first));
    for (int64_t i = first; i < count; ++i)
      pool_.refer(page(list.blocks[static_cast<size_t>(i)], group));
  }
  return list;
}

// The page holds something else from now on. A block without pages is nobody's.
void KvCacheManager::take_from_its_block(int32_t page) {
  int64_t& place = place_[static_cast<size_t>(page)];
  if (place < 0) return;
  page_[static_cast<size_t>(place)] = -1;
  const auto block = static_cast<int32_t>(place / groups());
  place = -1;
  const auto begin = page_.begin() + block * groups();
  if (std::any_of(begin, begin + groups(), [](int32_t of) { return of >= 0; })) return;
  forget(block);
  free_blocks_.push_back(block);
}

// A block with a page of every group.
std::optional<int32_t> KvCacheManager::take_block(bool reserved) {
  if (!reserved && pool_.available() < groups()) return std::nullopt;
  for (int32_t& page : taken_) {
    page = reserved ? pool_.take_reserved() : pool_.take().value();
    take_from_its_block(page);
  }
  const int32_t block = free_blocks_.back();
  free_blocks_.pop_back();
  for (size_t group = 0; group < taken_.size(); ++group) {
    const int64_t place = block * groups() + static_cast<int64_t>(group);
    page_[static_cast<size_t>(place)] = taken_[group];
    place_[static_cast<size_t>(taken_[group])] = place;
  }
  return block;
}

std::vector<int32_t> KvCacheManager::allocate(const Prefix& prefix, std::span<const int32_t> found,
                                              int64_t end, int64_t batch) {
  std::vector<int32_t> taken;
  int32_t before = found.empty() ? -1 : found.back();
  const auto whole = std::min(static_cast<size_t>(end / kPageTokens), prefix.keys.size());
  for (size_t i = found.size(); i < whole && worth_keeping(prefix.keys[i]); ++i) {
    const std::optional<int32_t> block = take_block(false);
    if (!block) break;
    if (!index_.add(prefix, i, before, *block, batch)) {  // its last page may be there already
      const std::vector<int32_t> unused{*block};
      set_computed(unused, false);
      release(unused);
      break;
    }
    taken.push_back(before = *block);
  }
  return taken;
}

std::vector<int32_t> KvCacheManager::allocate_reserved(const Prefix& prefix,
                                                       std::span<const int32_t> found, int64_t end,
                                                       int64_t batch, int64_t& reserved) {
  std::vector<int32_t> taken;
  int32_t before = found.empty() ? -1 : found.back();
  for (auto i = found.size(); i < static_cast<size_t>(end / kPageTokens); ++i) {
    const int32_t block = take_block(true).value();
    reserved -= groups();
    index_.add(prefix, i, before, block, batch);
    taken.push_back(before = block);
  }
  return taken;
}

void KvCacheManager::set_computed(std::span<const int32_t> blocks, bool computed) {
  for (const int32_t block : blocks) {
    if (computed) {
      index_.set_computed(block);
      continue;
    }
    forget(block);
    for (size_t group = 0; group < windows_.size(); ++group) pool_.discard(page(block, group));
  }
}

void KvCacheManager::release_unseen(BlockList& list, size_t group, int64_t seen) {
  while (list.first[group] < seen)
    pool_.release(page(list.blocks[static_cast<size_t>(list.first[group]++)], group));
}

void KvCacheManager::extend(BlockList& list, std::span<const int32_t> blocks) {
  list.blocks.insert(list.blocks.end(), blocks.begin(), blocks.end());
  list.first.resize(windows_.size());
  const auto count = static_cast<int64_t>(list.blocks.size());
  for (size_t group = 0; group < windows_.size(); ++group)
    release_unseen(list, group, count == 0 ? 0 : first_seen(group, count));
}

void KvCacheManager::advance(BlockList& list, std::span<const int32_t> blocks, int64_t tokens) {
  list.blocks.insert(list.blocks.end(), blocks.begin(), blocks.end());
  list.first.resize(windows_.size());
  for (size_t group = 0; group < windows_.size(); ++group) {
    const int64_t token = tokens - windows_[group] + 1;
    if (windows_[group] == 0 || token <= 0) continue;
    release_unseen(list, group, std::min(std::ssize(list.blocks) - 1, token / kPageTokens));
  }
}

void KvCacheManager::cut(BlockList& list, int64_t tokens) {
  const auto kept = static_cast<size_t>((tokens + kPageTokens - 1) / kPageTokens);
  while (list.blocks.size() > kept) {
    for (size_t group = 0; group < windows_.size(); ++group) {
      pool_.discard(page(list.blocks.back(), group));
      pool_.release(page(list.blocks.back(), group));
    }
    list.blocks.pop_back();
  }
}

// A group with a window needs no more than the window and what a batch adds.
int64_t KvCacheManager::pages_needed(int64_t tokens, int64_t blocks) const {
  int64_t pages = 0;
  const int64_t all = (tokens + kPageTokens - 1) / kPageTokens - blocks;
  for (const int64_t window : windows_)
    pages += window == 0 ? all : std::min(all, (window + chunk_) / kPageTokens + 2);
  return pages;
}

bool KvCacheManager::has_room(int64_t tokens, int64_t blocks) const {
  return pages_needed(tokens, blocks) <= pool_.available();
}

int64_t KvCacheManager::most_tokens() const {
  int64_t fits = 0, does_not = int64_t{1} << 32;  // blocks; windows alone hold any number
  while (does_not - fits > 1) {
    const int64_t middle = fits + (does_not - fits) / 2;
    (pages_needed(middle * kPageTokens, 0) <= pages() ? fits : does_not) = middle;
  }
  return fits * kPageTokens;
}

std::optional<std::vector<int32_t>> KvCacheManager::take(int64_t blocks) {
  if (blocks > 0 && pool_.available() < blocks * groups()) return std::nullopt;
  std::vector<int32_t> taken;
  while (std::ssize(taken) < blocks) taken.push_back(take_block(false).value());
  return taken;
}

void KvCacheManager::discard(const BlockList& list, int64_t from) {
  for (size_t group = 0; group < windows_.size(); ++group) {
    for (auto i = std::max<int64_t>(from, list.first[group]); i < std::ssize(list.blocks); ++i)
      pool_.discard(page(list.blocks[static_cast<size_t>(i)], group));
  }
}

// From the last to the first: pages lose their place before those that they follow.
void KvCacheManager::release(const BlockList& list) {
  for (size_t i = list.blocks.size(); i > 0; --i) {
    for (size_t group = 0; group < windows_.size(); ++group) {
      if (static_cast<int32_t>(i - 1) >= list.first[group])
        pool_.release(page(list.blocks[i - 1], group));
    }
  }
}

void KvCacheManager::release(std::span<const int32_t> blocks) {
  for (size_t i = blocks.size(); i > 0; --i) {
    for (size_t group = 0; group < windows_.size(); ++group)
      pool_.release(page(blocks[i - 1], group));
  }
}

void KvCacheManager::block_tables(const BlockList& list, std::vector<int32_t>& tables) const {
  tables.clear();
  for (size_t group = 0; group < windows_.size(); ++group) {
    for (size_t i = 0; i < list.blocks.size(); ++i) {
      const size_t seen = std::max(i, static_cast<size_t>(list.first[group]));
      tables.push_back(page(list.blocks[seen], group));
    }
  }
}

void KvCacheManager::block_tables(std::span<const int32_t> blocks,
                                  std::vector<int32_t>& tables) const {
  tables.clear();
  for (size_t group = 0; group < windows_.size(); ++group) {
    for (const int32_t block : blocks) tables.push_back(page(block, group));
  }
}

}  // namespace vecton::engine
