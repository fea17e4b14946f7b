#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <bit>

#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {
// Ids may leave gaps, but a table by id must stay in proportion to the file it came from.
constexpr size_t kIdsPerToken = 64, kIdsFree = 1 << 20;
}  // namespace

void Vocabulary::reserve(size_t tokens, size_t bytes) {
  bytes_.reserve(bytes);
  entries_.reserve(tokens);
  entry_of_id_.reserve(tokens);
  slots_.assign(std::bit_ceil(std::max<size_t>(tokens * 2, 16)), {0, kNone});
  mask_ = slots_.size() - 1;
}

void Vocabulary::find_many(std::span<const std::string_view> tokens, std::span<int32_t> ids) const {
  constexpr size_t kBatch = 32;
  uint64_t hashes[kBatch];
  for (size_t done = 0; done < tokens.size(); done += kBatch) {
    const size_t count = std::min(kBatch, tokens.size() - done);
    for (size_t i = 0; i < count; ++i) {
      hashes[i] = hash_bytes(tokens[done + i]);
      if (!slots_.empty()) __builtin_prefetch(&slots_[hashes[i] & mask_]);
    }
    for (size_t i = 0; i < count && !slots_.empty(); ++i) {
      const Slot& slot = slots_[hashes[i] & mask_];
      if (slot.entry != kNone) __builtin_prefetch(&entries_[slot.entry]);
    }
    for (size_t i = 0; i < count && !slots_.empty(); ++i) {
      const Slot& slot = slots_[hashes[i] & mask_];
      if (slot.entry != kNone) __builtin_prefetch(bytes_of(slot.entry).data());
    }
    for (size_t i = 0; i < count; ++i) ids[done + i] = find(tokens[done + i], hashes[i]);
  }
}

void Vocabulary::insert_slot(uint64_t hash, int32_t entry) {
  size_t at = hash & mask_;
  while (slots_[at].entry != kNone) at = (at + 1) & mask_;
  slots_[at] = {static_cast<uint32_t>(hash >> 32), entry};
}

void Vocabulary::grow() {
  slots_.assign(std::max<size_t>(slots_.size() * 2, 16), {0, kNone});
  mask_ = slots_.size() - 1;
  for (size_t i = 0; i < entries_.size(); ++i) {
    insert_slot(hash_bytes(bytes_of(static_cast<int32_t>(i))), static_cast<int32_t>(i));
  }
}

void Vocabulary::add(std::string_view token, int32_t id) {
  if (id < 0 || static_cast<size_t>(id) >= kIdsFree + kIdsPerToken * (entries_.size() + 1)) {
    throw Error(ErrorCode::kCorrupt,
                "token id " + std::to_string(id) + " is far above the number of tokens");
  }
  if (bytes_.size() + token.size() > UINT32_MAX)
    throw Error(ErrorCode::kCorrupt, "the vocabulary is over 4 GB");
  if (slots_.empty() || (entries_.size() + 1) * 2 > slots_.size()) grow();
  if (static_cast<size_t>(id) >= entry_of_id_.size()) entry_of_id_.resize(id + 1, kNone);
  const uint64_t hash = hash_bytes(token);
  for (size_t at = hash & mask_; slots_[at].entry != kNone; at = (at + 1) & mask_) {
    const int32_t entry = slots_[at].entry;
    if (slots_[at].tag != static_cast<uint32_t>(hash >> 32) || bytes_of(entry) != token) continue;
    entries_[entry].id = id;
    if (entry_of_id_[id] == kNone) entry_of_id_[id] = entry;
    return;
  }
  const int32_t entry = static_cast<int32_t>(entries_.size());
  entries_.push_back(
      {static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(token.size()), id});
  bytes_.append(token);
  longest_ = std::max(longest_, token.size());
  insert_slot(hash, entry);
  if (entry_of_id_[id] == kNone) entry_of_id_[id] = entry;
}

}  // namespace vecton::tokenizer
