#include "engine/page_pool.h"

namespace vecton::engine {

PagePool::PagePool(int64_t pages) : pages_(static_cast<size_t>(pages)) {
  for (int64_t i = 0; i < pages; ++i) {
    free_.push_back(static_cast<int32_t>(i));
    pages_[static_cast<size_t>(i)].place = std::prev(free_.end());
  }
}

int64_t PagePool::available() const {
  return static_cast<int64_t>(free_.size() + kept_.size()) - reserved_;
}

bool PagePool::reserve(int64_t pages) {
  if (pages > available()) return false;
  reserved_ += pages;
  return true;
}

void PagePool::unreserve(int64_t pages) { reserved_ -= pages; }

int32_t PagePool::take_any() {
  std::list<int32_t>& from = free_.empty() ? kept_ : free_;
  const int32_t page = from.front();
  Page& p = page_of(page);
  p.references = 1;
  p.worthless = false;
  used_.splice(used_.end(), from, p.place);
  return page;
}

std::optional<int32_t> PagePool::take() {
  return available() > 0 ? std::optional(take_any()) : std::nullopt;
}

int32_t PagePool::take_reserved() {
  --reserved_;
  return take_any();
}

void PagePool::refer(int32_t page) {
  Page& p = page_of(page);
  if (p.references++ == 0) used_.splice(used_.end(), kept_, p.place);
}

void PagePool::release(int32_t page) {
  Page& p = page_of(page);
  if (--p.references > 0) return;
  std::list<int32_t>& to = p.worthless ? free_ : kept_;
  to.splice(p.worthless ? to.begin() : to.end(), used_, p.place);
}

}  // namespace vecton::engine
