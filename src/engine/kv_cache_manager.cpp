#include "engine/kv_cache_manager.h"

#include <algorithm>
#include <optional>

namespace vecton::engine {

// While 1/16 of the pages is used everything is kept.
bool KvCacheManager::worth_keeping(uint64_t key) const {
  constexpr int64_t kPart = 16;
  return used() < pages() / kPart || index_.often(key);
}

void KvCacheManager::refer(std::span<const int32_t> pages) {
  for (const int32_t page : pages) pool_.refer(page);
}

std::vector<int32_t> KvCacheManager::allocate(const Prefix& prefix, std::span<const int32_t> found,
                                              int64_t end, int64_t batch) {
  std::vector<int32_t> taken;
  int32_t before = found.empty() ? -1 : found.back();
  const auto whole = std::min(static_cast<size_t>(end / kPageTokens), prefix.keys.size());
  for (size_t i = found.size(); i < whole && worth_keeping(prefix.keys[i]); ++i) {
    const std::optional<int32_t> page = pool_.take();
    if (!page) break;
    index_.forget(*page);
    if (!index_.add(prefix, i, before, *page, batch)) {  // its last page may be there already
      pool_.discard(*page);
      pool_.release(*page);
      break;
    }
    taken.push_back(before = *page);
  }
  return taken;
}

std::vector<int32_t> KvCacheManager::allocate_reserved(const Prefix& prefix,
                                                       std::span<const int32_t> found, int64_t end,
                                                       int64_t batch, int64_t& reserved) {
  std::vector<int32_t> taken;
  int32_t before = found.empty() ? -1 : found.back();
  for (auto i = found.size(); i < static_cast<size_t>(end / kPageTokens); ++i, --reserved) {
    const int32_t page = pool_.take_reserved();
    index_.forget(page);
    index_.add(prefix, i, before, page, batch);
    taken.push_back(before = page);
  }
  return taken;
}

void KvCacheManager::set_computed(std::span<const int32_t> pages, bool computed) {
  for (const int32_t page : pages) {
    if (computed) {
      index_.set_computed(page);
    } else {
      index_.forget(page);
      pool_.discard(page);
    }
  }
}

// From the last to the first: pages lose their place before those that they follow.
void KvCacheManager::release(std::span<const int32_t> pages) {
  for (size_t i = pages.size(); i > 0; --i) pool_.release(pages[i - 1]);
}

}  // namespace vecton::engine
