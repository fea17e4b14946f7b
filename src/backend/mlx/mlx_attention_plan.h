// What attention() does with a batch, apart from its numbers: which queries see which keys. Layers
// of a forward pass that see equally far share one plan.
//
// A sequence's queries are cut into pieces, each with the keys that any of them sees; pieces of one
// shape are computed together. Queries and keys are filled up to round counts, so that shapes are
// few, and a row is computed alike whatever its batch. What is filled in is a row of the same
// piece, which nobody sees.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "backend/mlx/mlx_device.h"
#include "ops/types.h"

namespace vecton::backend {

// Pieces of `queries` queries and `keys` keys each.
struct AttentionGroup {
  int pieces = 0, queries = 0, keys = 0;
  mx::array query_rows;        // [pieces * queries], rows of q
  mx::array key_rows;          // [pieces * keys], rows of the cached keys followed by those of k
  mx::array query_at, key_at;  // positions, [pieces, queries, 1] and [pieces, 1, keys]
  mx::array seen;              // [pieces, 1, queries, keys]
  // [pieces, 1, queries, 1]: queries that see no key, whose result is 0; and those whose window
  // holds unattended keys alone, to whom all keys of the batch are equal.
  std::optional<mx::array> sightless, indifferent;
};

struct AttentionPlan {
  // For the kernel that reads pages where they lie, and then all of the plan: of each query which
  // keys it sees and where they are, [queries, 6] as paged_attention.metal reads it.
  std::optional<mx::array> reach;
  std::vector<AttentionGroup> groups;
  std::optional<mx::array> cached_rows;  // of the pages; none = no keys lie in pages
  int cached_count = 0;
  std::optional<mx::array> order;  // of each query its row in the groups' results, which a row of
                                   // zeros follows; none = as they are
};

struct AttentionLists {
  const tensor::Indices &offsets, &index, &keys, &attended, &pages, &page_offsets, &cached;
};

// Within a Turn.
AttentionPlan plan_attention(const ops::AttentionShape& shape, const AttentionLists& lists,
                             int64_t page_rows, bool by_kernel);

// The plans of the last few kinds of layers.
class AttentionPlans {
 public:
  // Within a Turn.
  const AttentionPlan& of(const ops::AttentionShape& shape, const AttentionLists& lists,
                          int64_t page_rows, bool by_kernel);
  void clear() { known_.clear(); }

 private:
  struct Known {
    std::array<tensor::Indices, 7> lists;  // kept, so that their addresses stay theirs
    int64_t heads = 0, window = 0, page_rows = 0;
    bool causal = false, by_kernel = false;
    AttentionPlan plan;
  };
  std::deque<Known> known_;
};

}  // namespace vecton::backend
