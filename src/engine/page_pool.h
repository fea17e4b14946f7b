// PagePool: the pages of a KV cache: which are free, which somebody refers to, which nobody refers
// to and are kept for what they hold, and how many are owed to sequences that run. Bookkeeping
// only: no tensors, no threads, no clock.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <vector>

namespace vecton::engine {

class PagePool {
 public:
  explicit PagePool(int64_t pages);

  int64_t pages() const { return static_cast<int64_t>(pages_.size()); }
  int64_t used() const { return pages() - static_cast<int64_t>(free_.size()); }  // or kept
  int64_t in_use() const { return static_cast<int64_t>(used_.size()); }  // somebody refers to them
  // Pages that anybody may take: free or kept, and owed to nobody.
  int64_t available() const;

  // Owes `pages` to a sequence, which can then take them whatever the others do; false = there are
  // not so many.
  bool reserve(int64_t pages);
  void unreserve(int64_t pages);

  // A page with one reference: a free one, or that which nobody has referred to for longest, whose
  // contents are lost. Nothing where all are in use or owed.
  std::optional<int32_t> take();
  int32_t take_reserved();  // one of those that are owed

  bool in_use(int32_t page) const { return pages_[static_cast<size_t>(page)].references > 0; }
  // Of a page that is in use, or of a kept one, which then is not available().
  void refer(int32_t page);
  // One reference less. A page that nobody refers to is kept ...
  void release(int32_t page);
  // ... or free, where what it holds is of no use.
  void discard(int32_t page) { page_of(page).worthless = true; }

 private:
  struct Page {
    int references = 0;
    bool worthless = false;
    std::list<int32_t>::iterator place;  // in one of the lists
  };
  Page& page_of(int32_t page) { return pages_[static_cast<size_t>(page)]; }
  int32_t take_any();

  std::vector<Page> pages_;
  std::list<int32_t> free_, used_, kept_;  // kept_: who was released first is first
  int64_t reserved_ = 0;
};

}  // namespace vecton::engine
