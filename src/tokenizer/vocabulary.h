// Vocabulary: byte strings to ids and back, in flat tables.
//
// Built while a tokenizer is loaded, then immutable and used from any thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vecton::tokenizer {

// A fast hash of short byte strings, the same on every run.
inline uint64_t hash_bytes(const char* data, size_t size) {
  constexpr uint64_t kFactor = 0x9E3779B97F4A7C15u;
  const auto mix = [](uint64_t h, uint64_t word) {
    const unsigned __int128 product = static_cast<unsigned __int128>(h ^ word) * kFactor;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  uint64_t h = size * 0xD6E8FEB86659FD93u, word = 0;
  for (; size > 8; data += 8, size -= 8) {
    std::memcpy(&word, data, 8);
    h = mix(h, word);
  }
  word = 0;
  std::memcpy(&word, data, size);
  return mix(h ^ kFactor, word);
}
inline uint64_t hash_bytes(std::string_view text) { return hash_bytes(text.data(), text.size()); }

class Vocabulary {
 public:
  static constexpr int32_t kNone = -1;

  // Call before the first add(). `bytes` is an estimate of all tokens together.
  void reserve(size_t tokens, size_t bytes);
  // A token that is there already gets the new id. An id that is there already keeps its first
  // token for token().
  void add(std::string_view token, int32_t id);

  int32_t find(std::string_view token) const { return find(token, hash_bytes(token)); }
  int32_t find(std::string_view token, uint64_t hash) const {
    if (slots_.empty() || token.size() > longest_) return kNone;
    for (size_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.entry == kNone) return kNone;
      if (slot.tag == static_cast<uint32_t>(hash >> 32) && bytes_of(slot.entry) == token)
        return entries_[slot.entry].id;
    }
  }
  // Finds tokens side by side, so that the waits for memory overlap: ids[i] for tokens[i].
  void find_many(std::span<const std::string_view> tokens, std::span<int32_t> ids) const;
  // Brings the slot of a token near that will be added soon.
  void prefetch(std::string_view token) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash_bytes(token) & mask_], 1);
  }
  // Empty when no token has the id.
  std::string_view token(int32_t id) const {
    const bool known =
        id >= 0 && static_cast<size_t>(id) < entry_of_id_.size() && entry_of_id_[id] != kNone;
    return known ? bytes_of(entry_of_id_[id]) : std::string_view();
  }
  bool has_id(int32_t id) const {
    return id >= 0 && static_cast<size_t>(id) < entry_of_id_.size() && entry_of_id_[id] != kNone;
  }

  size_t size() const { return entries_.size(); }  // tokens
  int32_t id_limit() const {
    return static_cast<int32_t>(entry_of_id_.size());
  }                                            // ids are below it
  size_t longest() const { return longest_; }  // bytes of the longest token

 private:
  struct Slot {
    uint32_t tag;
    int32_t entry;
  };
  struct Entry {
    uint32_t begin, size;
    int32_t id;
  };

  std::string_view bytes_of(int32_t entry) const {
    return {bytes_.data() + entries_[entry].begin, entries_[entry].size};
  }
  void insert_slot(uint64_t hash, int32_t entry);
  void grow();

  std::string bytes_;
  std::vector<Entry> entries_;
  std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
  std::vector<int32_t> entry_of_id_;
  size_t mask_ = 0, longest_ = 0;
};

}  // namespace vecton::tokenizer
