#include "engine/prefix_cache.h"

#include <algorithm>

namespace vecton {

namespace {

constexpr size_t kSightings = 1 << 16;
constexpr int64_t kAlwaysKept = 16;  // pages are kept without a reason while 1/16 of them is used

// A step of splitmix64 (Steele et al. 2014).
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

PrefixCache::PrefixCache(int64_t pages)
    : pages_(static_cast<size_t>(pages)), sightings_(kSightings) {
  for (int64_t i = pages; i > 0; --i) free_.push_back(static_cast<int32_t>(i - 1));
}

std::vector<uint64_t> PrefixCache::keys(std::span<const int32_t> ids, std::string_view salt) {
  uint64_t key = mix(salt.size());
  for (const char c : salt) key = mix(key ^ static_cast<unsigned char>(c));
  std::vector<uint64_t> keys;
  for (size_t i = 0; i < ids.size(); ++i) {
    key = mix(key ^ static_cast<uint32_t>(ids[i]));
    if ((i + 1) % kPageTokens == 0) keys.push_back(key);
  }
  return keys;
}

void PrefixCache::note(const Prefix& prefix) {
  for (const uint64_t key : prefix.keys) {
    auto& [seen, count] = sightings_[key % kSightings];
    if (seen != key) count = 0;
    seen = key;
    count = std::min(count + 1, 2);
  }
}

bool PrefixCache::often(uint64_t key) const {
  const auto& [seen, count] = sightings_[key % kSightings];
  return seen == key && count >= 2;
}

// The page of that index of the sequence, or -1.
int32_t PrefixCache::match(const Prefix& prefix, size_t index, uint64_t parent) const {
  const auto tokens = prefix.ids.subspan(index * kPageTokens, kPageTokens);
  const auto [begin, end] = index_.equal_range(prefix.keys[index]);
  for (auto at = begin; at != end; ++at) {
    const Page& page = pages_[static_cast<size_t>(at->second)];
    if (page.parent == parent && page.salt == prefix.salt &&
        std::ranges::equal(page.tokens, tokens))
      return at->second;
  }
  return -1;
}

uint64_t PrefixCache::id_of(std::span<const int32_t> pages) const {
  return pages.empty() ? 0 : pages_[static_cast<size_t>(pages.back())].id;
}

PrefixCache::Found PrefixCache::find(const Prefix& prefix, int64_t batch) const {
  Found found;
  // The last token is always computed: it is what the answer is taken from.
  const size_t most = prefix.ids.empty() ? 0 : (prefix.ids.size() - 1) / kPageTokens;
  for (size_t i = 0; i < std::min(most, prefix.keys.size()); ++i) {
    const int32_t page = match(prefix, i, id_of(found.pages));
    if (page < 0) break;
    const int64_t by = pages_[static_cast<size_t>(page)].batch;
    if (by != kReady && by != batch) {
      found.pending = true;
      break;
    }
    found.pages.push_back(page);
  }
  return found;
}

void PrefixCache::use(int32_t page) {
  Page& p = pages_[static_cast<size_t>(page)];
  if (p.users++ == 0) unused_.erase({p.touched, page});
}

void PrefixCache::leave(int32_t page) {
  Page& p = pages_[static_cast<size_t>(page)];
  if (--p.users > 0) return;
  if (p.batch == kLost) {
    p = {};
    free_.push_back(page);
    return;
  }
  p.touched = ++now_;
  unused_.insert({p.touched, page});
}

// Nobody finds it any more.
void PrefixCache::unlist(int32_t page) {
  const auto [begin, end] = index_.equal_range(pages_[static_cast<size_t>(page)].key);
  index_.erase(std::find_if(begin, end, [&](const auto& entry) { return entry.second == page; }));
}

// A free page, or the one that has not been used for longest; -1 where all are in use.
int32_t PrefixCache::take_page() {
  if (!free_.empty()) {
    const int32_t page = free_.back();
    free_.pop_back();
    return page;
  }
  if (unused_.empty()) return -1;
  const int32_t page = unused_.begin()->second;
  unused_.erase(unused_.begin());
  unlist(page);
  pages_[static_cast<size_t>(page)] = {};
  return page;
}

std::vector<int32_t> PrefixCache::claim(const Prefix& prefix, std::span<const int32_t> found,
                                        int64_t end, int64_t batch, bool always) {
  for (const int32_t page : found) use(page);
  std::vector<int32_t> claimed;
  uint64_t parent = id_of(found);
  const auto whole = std::min(static_cast<size_t>(end / kPageTokens), prefix.keys.size());
  for (size_t i = found.size(); i < whole; ++i) {
    const bool kept = always || used() < pages() / kAlwaysKept || often(prefix.keys[i]);
    if (!kept || match(prefix, i, parent) >= 0) break;  // its last page may be there already
    const int32_t taken = take_page();
    if (taken < 0) break;
    Page& page = pages_[static_cast<size_t>(taken)];
    page.key = prefix.keys[i];
    page.id = next_id_++;
    page.parent = parent;
    page.salt = prefix.salt;
    std::ranges::copy(prefix.ids.subspan(i * kPageTokens, kPageTokens), page.tokens.begin());
    page.batch = batch;
    page.users = 1;
    index_.emplace(page.key, taken);
    parent = page.id;
    claimed.push_back(taken);
  }
  return claimed;
}

void PrefixCache::release(std::span<const int32_t> found, std::span<const int32_t> claimed,
                          bool computed) {
  // From the last to the first: pages are evicted before those that they follow.
  for (size_t i = claimed.size(); i > 0; --i) {
    if (!computed) unlist(claimed[i - 1]);
    pages_[static_cast<size_t>(claimed[i - 1])].batch = computed ? kReady : kLost;
    leave(claimed[i - 1]);
  }
  for (size_t i = found.size(); i > 0; --i) leave(found[i - 1]);
}

}  // namespace vecton
