#include "engine/prefix_index.h"

#include <algorithm>

#include "base/splitmix64.h"

namespace vecton::engine {

namespace {

constexpr size_t kSightings = 1 << 16;

// Of the images that tokens of the sequence's block number `index` are of.
std::vector<std::array<uint64_t, 2>> digests_of(PrefixIndex::Images images, size_t index) {
  constexpr int64_t kPage = PrefixIndex::kPageTokens;
  const auto begin = static_cast<int64_t>(index) * kPage;
  std::vector<std::array<uint64_t, 2>> digests;
  for (const heads::ImageTokens& image : images) {
    if (image.begin < begin + kPage && image.end > begin) digests.push_back(image.digest);
  }
  return digests;
}

}  // namespace

PrefixIndex::PrefixIndex(int64_t blocks)
    : entries_(static_cast<size_t>(blocks)), sightings_(kSightings) {}

std::vector<uint64_t> PrefixIndex::keys(std::span<const int32_t> ids, std::string_view salt,
                                        Images images) {
  std::vector<uint64_t> keys;
  extend(keys, ids, salt, images);
  return keys;
}

void PrefixIndex::extend(std::vector<uint64_t>& keys, std::span<const int32_t> ids,
                         std::string_view salt, Images images) {
  uint64_t key = base::splitmix64(salt.size());
  for (const char c : salt) key = base::splitmix64(key ^ static_cast<unsigned char>(c));
  if (!keys.empty()) key = keys.back();
  for (size_t i = keys.size() * kPageTokens; i < ids.size(); ++i) {
    key = base::splitmix64(key ^ static_cast<uint32_t>(ids[i]));
    if ((i + 1) % kPageTokens != 0) continue;
    for (const auto& digest : digests_of(images, keys.size()))
      key = base::splitmix64(base::splitmix64(key ^ digest[0]) ^ digest[1]);
    keys.push_back(key);
  }
}

void PrefixIndex::note(const Prefix& prefix) {
  for (const uint64_t key : prefix.keys) {
    auto& [seen, count] = sightings_[key % kSightings];
    if (seen != key) count = 0;
    seen = key;
    count = std::min(count + 1, 2);
  }
}

bool PrefixIndex::often(uint64_t key) const {
  const auto& [seen, count] = sightings_[key % kSightings];
  return seen == key && count >= 2;
}

// The block of that number of the sequence, or -1.
int32_t PrefixIndex::match(const Prefix& prefix, size_t index, uint64_t parent) const {
  const auto tokens = prefix.ids.subspan(index * kPageTokens, kPageTokens);
  const auto images = digests_of(prefix.images, index);
  const auto [begin, end] = blocks_.equal_range(prefix.keys[index]);
  for (auto at = begin; at != end; ++at) {
    const Entry& entry = entries_[static_cast<size_t>(at->second)];
    if (entry.parent == parent && entry.salt == prefix.salt &&
        std::ranges::equal(entry.tokens, tokens) && entry.images == images)
      return at->second;
  }
  return -1;
}

PrefixIndex::Found PrefixIndex::find(const Prefix& prefix, int64_t batch) const {
  Found found;
  const size_t most = prefix.ids.empty() ? 0 : (prefix.ids.size() - 1) / kPageTokens;
  uint64_t parent = 0;
  for (size_t i = 0; i < std::min(most, prefix.keys.size()); ++i) {
    const int32_t block = match(prefix, i, parent);
    if (block < 0) break;
    const int64_t by = entries_[static_cast<size_t>(block)].batch;
    if (by != kComputed && by != batch) {
      found.pending = block;
      break;
    }
    found.blocks.push_back(block);
    parent = id_of(block);
  }
  return found;
}

bool PrefixIndex::add(const Prefix& prefix, size_t index, int32_t before, int32_t block,
                      int64_t batch) {
  const uint64_t parent = id_of(before);
  if (match(prefix, index, parent) >= 0) return false;
  Entry& entry = entry_of(block);
  entry = {.key = prefix.keys[index],
           .id = next_id_++,
           .parent = parent,
           .tokens = {},
           .salt = std::string(prefix.salt),
           .images = digests_of(prefix.images, index),
           .batch = batch};
  std::ranges::copy(prefix.ids.subspan(index * kPageTokens, kPageTokens), entry.tokens.begin());
  blocks_.emplace(entry.key, block);
  return true;
}

void PrefixIndex::forget(int32_t block) {
  Entry& entry = entry_of(block);
  if (entry.id == 0) return;
  const auto [begin, end] = blocks_.equal_range(entry.key);
  blocks_.erase(std::find_if(begin, end, [&](const auto& known) { return known.second == block; }));
  entry = {};
}

}  // namespace vecton::engine
