// FlatMap: numbers by numbers, for what is asked for most. Nothing is ever taken out.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace vecton::grammar {

class FlatMap {
 public:
  static constexpr uint32_t kNoKey = ~uint32_t{0};  // no key is this

  // nullptr where there is none. Valid until the next put().
  const int32_t* find(uint32_t key) const {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[place(key)];
    return slot.key == key ? &slot.value : nullptr;
  }
  void put(uint32_t key, int32_t value) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    Slot& slot = slots_[place(key)];
    if (slot.key == kNoKey) ++size_;
    slot = {key, value};
  }

 private:
  struct Slot {
    uint32_t key = kNoKey;
    int32_t value = 0;
  };

  size_t place(uint32_t key) const {
    size_t at = key * uint64_t{0x9E3779B97F4A7C15} >> 32;
    for (;; ++at) {
      const Slot& slot = slots_[at & (slots_.size() - 1)];
      if (slot.key == key || slot.key == kNoKey) return at & (slots_.size() - 1);
    }
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 64 : 2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.key != kNoKey) slots_[place(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two of them
  size_t size_ = 0;
};

}  // namespace vecton::grammar
