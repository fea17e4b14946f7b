// WordCache: the ids of words seen lately, for models whose work per word is large.
//
// A fixed number of slots and nothing else: memory is bounded and a hit allocates nothing. One
// cache belongs to one call at a time.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace vecton::tokenizer {

class WordCache {
 public:
  static constexpr size_t kMaxBytes = 31, kMaxIds = 7;

  // The ids of a word, or an empty span.
  std::span<const int32_t> find(std::string_view word, uint64_t hash) const {
    if (slots_.empty()) return {};
    const Slot& slot = slots_[hash & kMask];
    if (slot.size != word.size() || std::memcmp(slot.word, word.data(), word.size()) != 0)
      return {};
    return {slot.ids, slot.count};
  }

  void put(std::string_view word, uint64_t hash, std::span<const int32_t> ids) {
    if (word.empty() || word.size() > kMaxBytes || ids.empty() || ids.size() > kMaxIds) return;
    if (slots_.empty()) slots_.resize(kMask + 1);
    Slot& slot = slots_[hash & kMask];
    slot.size = static_cast<uint8_t>(word.size());
    slot.count = static_cast<uint8_t>(ids.size());
    std::memcpy(slot.word, word.data(), word.size());
    std::memcpy(slot.ids, ids.data(), ids.size_bytes());
  }

 private:
  static constexpr size_t kMask = 16383;
  struct Slot {
    uint8_t size = 0, count = 0;
    char word[kMaxBytes];
    int32_t ids[kMaxIds];
  };
  std::vector<Slot> slots_;  // one megabyte at most, made at the first put()
};

}  // namespace vecton::tokenizer
