#include "backend/mlx/mlx_attention_plan.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <span>
#include <utility>

namespace vecton::backend {

namespace {

constexpr int64_t kMostScores = int64_t{1} << 24;  // that are computed at once
constexpr size_t kPlans = 4;
constexpr int32_t kNowhere = std::numeric_limits<int32_t>::max() / 2;  // position of a filled key

// A multiple of `step`, and of a quarter of the power of two below.
int64_t rounded(int64_t count, int64_t step) {
  const auto quarter = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(count)) / 4);
  const int64_t unit = std::max(step, quarter);
  return (count + unit - 1) / unit * unit;
}

// Keys of a sequence by position: those of its pages, then its own.
struct Keys {
  int64_t paged = 0, own_first = 0, own = 0, attended = 0;  // rows
  size_t first_page = 0;
  int64_t pool_first = 0, pool_begin = 0;  // row of the cached key at position pool_begin

  int64_t all() const { return paged + own; }
  int64_t count() const { return paged + attended; }
};

struct Range {
  int64_t low = 0, high = 0;
  bool indifferent = false;
};

// Which keys a query at `at` sees.
Range seen_from(int64_t at, const Keys& keys, const ops::AttentionShape& shape) {
  const int64_t window = shape.window > 0 ? shape.window : kNowhere;
  Range range{.low = std::max<int64_t>(0, at - window + 1),
              .high = std::min(keys.count(), shape.causal ? at + 1 : at + window)};
  if (range.low >= keys.count() && keys.count() > 0 && keys.own > 0)
    return {.low = keys.paged, .high = keys.all(), .indifferent = true};
  if (range.high <= range.low) return {};
  return range;
}

struct Piece {
  size_t sequence = 0;
  int32_t first = 0, end = 0;            // queries
  int64_t begin = 0, low = 0, high = 0;  // keys low .. high are seen; begin: low, rounded down
};

class Planner {
 public:
  Planner(const ops::AttentionShape& shape, const AttentionLists& lists, int64_t page_rows)
      : shape_(shape),
        offsets_(view(lists.offsets)),
        at_(view(lists.index)),
        pages_(view(lists.pages)),
        page_rows_(page_rows) {
    const std::span<const int32_t> keys = view(lists.keys), attended = view(lists.attended),
                                   page_offsets = view(lists.page_offsets),
                                   cached = view(lists.cached);
    for (size_t s = 0; s + 1 < offsets_.size(); ++s) {
      Keys own{.own_first = keys[s], .own = keys[s + 1] - keys[s]};
      own.attended = attended.empty() ? own.own : attended[s];
      if (!page_offsets.empty()) {
        own.first_page = static_cast<size_t>(page_offsets[s]);
        own.paged = cached[s];
      }
      keys_.push_back(own);
    }
  }

  AttentionPlan plan_for_kernel() const {
    std::vector<int32_t> reach;
    for (size_t s = 0; s < keys_.size(); ++s) {
      const Keys& keys = keys_[s];
      for (int32_t i = offsets_[s]; i < offsets_[s + 1]; ++i) {
        const Range range = seen_from(at_[static_cast<size_t>(i)], keys, shape_);
        for (const int64_t number : {range.low, range.high, static_cast<int64_t>(keys.first_page),
                                     keys.paged, keys.own_first, int64_t{range.indifferent}})
          reach.push_back(static_cast<int32_t>(number));
      }
    }
    AttentionPlan plan;
    plan.reach =
        mx::reshape(array_of(std::span<const int32_t>(reach)), {to_int(std::ssize(at_)), 6});
    return plan;
  }

  AttentionPlan plan() {
    for (size_t s = 0; s < keys_.size(); ++s) cut(s);
    AttentionPlan plan;
    gather_cached(plan);
    std::vector<int32_t> order(at_.size(), -1);
    int32_t rows = 0;
    for (const auto& [size, all] : pieces_) {
      const auto most = static_cast<size_t>(
          std::max<int64_t>(1, kMostScores / (shape_.heads * size.first * size.second)));
      for (size_t first = 0; first < all.size(); first += most) {
        const auto some = std::span(all).subspan(first, std::min(most, all.size() - first));
        plan.groups.push_back(group(some, size.first, size.second));
        for (const Piece& piece : some) {
          for (int32_t i = piece.first; i < piece.end; ++i)
            order[static_cast<size_t>(i)] = rows + i - piece.first;
          rows += static_cast<int32_t>(size.first);
        }
      }
    }
    std::ranges::replace(order, -1, rows);
    bool as_they_are = order.size() == static_cast<size_t>(rows);
    for (size_t i = 0; i < order.size(); ++i)
      as_they_are = as_they_are && order[i] == static_cast<int32_t>(i);
    if (!as_they_are) plan.order = array_of(std::span<const int32_t>(order));
    return plan;
  }

 private:
  void cut(size_t s) {
    Keys& keys = keys_[s];
    keys.pool_begin = keys.paged;
    for (int32_t first = offsets_[s]; first < offsets_[s + 1];) {
      Piece piece{.sequence = s, .first = first, .end = first};
      Range all{.low = kNowhere};
      while (piece.end < offsets_[s + 1]) {
        const Range more = seen_from(at_[static_cast<size_t>(piece.end)], keys, shape_);
        Range both = all;
        if (more.high > more.low)
          both = {.low = std::min(all.low, more.low), .high = std::max(all.high, more.high)};
        const int64_t count = piece.end - first + 1;
        if (count > 1 &&
            count * std::max<int64_t>(both.high - both.low, 1) * shape_.heads > kMostScores)
          break;
        all = both;
        ++piece.end;
      }
      first = piece.end;
      if (all.high <= all.low) continue;  // none of them sees a key
      piece.low = all.low;
      piece.high = all.high;
      piece.begin = all.low / kStep * kStep;
      keys.pool_begin = std::min(keys.pool_begin, piece.low);
      const int64_t queries = piece.end - piece.first;
      pieces_[{queries < 4 ? queries : rounded(queries, 8),
               rounded(piece.high - piece.begin, kStep)}]
          .push_back(piece);
    }
  }

  void gather_cached(AttentionPlan& plan) {
    std::vector<int32_t> rows;
    for (Keys& keys : keys_) {
      keys.pool_first = static_cast<int64_t>(rows.size());
      for (int64_t j = keys.pool_begin; j < keys.paged; ++j) {
        const auto page = keys.first_page + static_cast<size_t>(j / page_rows_);
        rows.push_back(static_cast<int32_t>(pages_[page] * page_rows_ + j % page_rows_));
      }
    }
    plan.cached_count = cached_count_ = static_cast<int>(rows.size());
    if (!rows.empty()) plan.cached_rows = array_of(std::span<const int32_t>(rows));
  }

  int32_t row_of_key(const Keys& keys, int64_t j) const {
    if (j < keys.paged) return static_cast<int32_t>(keys.pool_first + j - keys.pool_begin);
    return static_cast<int32_t>(cached_count_ + keys.own_first + j - keys.paged);
  }

  AttentionGroup group(std::span<const Piece> pieces, int64_t queries, int64_t count) const {
    std::vector<int32_t> query_rows, key_rows, query_at, key_at, low, high;
    std::vector<int32_t> sightless, indifferent;
    bool some_sightless = false, some_indifferent = false;
    for (const Piece& piece : pieces) {
      const Keys& keys = keys_[piece.sequence];
      for (int64_t i = 0; i < queries; ++i) {
        const int64_t row = piece.first + i < piece.end ? piece.first + i : piece.first;
        const int32_t at = at_[static_cast<size_t>(row)];
        const Range range = seen_from(at, keys, shape_);
        query_rows.push_back(static_cast<int32_t>(row));
        query_at.push_back(at);
        low.push_back(static_cast<int32_t>(range.low));
        high.push_back(static_cast<int32_t>(range.high));
        sightless.push_back(range.high <= range.low);
        indifferent.push_back(range.indifferent);
        some_sightless = some_sightless || sightless.back();
        some_indifferent = some_indifferent || range.indifferent;
      }
      for (int64_t j = piece.begin; j < piece.begin + count; ++j) {
        key_rows.push_back(row_of_key(keys, std::clamp(j, piece.low, piece.high - 1)));
        key_at.push_back(j < piece.high ? static_cast<int32_t>(j) : kNowhere);
      }
    }
    const int b = static_cast<int>(pieces.size()), q = to_int(queries), k = to_int(count);
    const auto list = [](const std::vector<int32_t>& values) {
      return array_of(std::span<const int32_t>(values));
    };
    const auto of_queries = [&](const std::vector<int32_t>& values) {
      return mx::reshape(list(values), {b, 1, q, 1});
    };
    const mx::array at = mx::reshape(list(key_at), {b, 1, 1, k});
    AttentionGroup made{.pieces = b,
                        .queries = q,
                        .keys = k,
                        .query_rows = list(query_rows),
                        .key_rows = list(key_rows),
                        .query_at = mx::reshape(list(query_at), {b, q, 1}),
                        .key_at = mx::reshape(at, {b, 1, k}),
                        .seen = mx::logical_and(mx::greater_equal(at, of_queries(low)),
                                                mx::less(at, of_queries(high))),
                        .sightless = {},
                        .indifferent = {}};
    if (some_sightless) made.sightless = mx::astype(of_queries(sightless), mx::bool_);
    if (some_indifferent) made.indifferent = mx::astype(of_queries(indifferent), mx::bool_);
    return made;
  }

  static constexpr int64_t kStep = 32;  // of counts of keys

  const ops::AttentionShape& shape_;
  std::span<const int32_t> offsets_, at_, pages_;
  int64_t page_rows_;
  int cached_count_ = 0;
  std::vector<Keys> keys_;
  std::map<std::pair<int64_t, int64_t>, std::vector<Piece>> pieces_;  // by queries and keys
};

}  // namespace

AttentionPlan plan_attention(const ops::AttentionShape& shape, const AttentionLists& lists,
                             int64_t page_rows, bool by_kernel) {
  Planner planner(shape, lists, page_rows);
  return by_kernel ? planner.plan_for_kernel() : planner.plan();
}

const AttentionPlan& AttentionPlans::of(const ops::AttentionShape& shape,
                                        const AttentionLists& lists, int64_t page_rows,
                                        bool by_kernel) {
  const std::array<tensor::Indices, 7> all = {lists.offsets,  lists.index, lists.keys,
                                              lists.attended, lists.pages, lists.page_offsets,
                                              lists.cached};
  const auto same = [&](const Known& known) {
    return known.heads == shape.heads && known.window == shape.window &&
           known.causal == shape.causal && known.page_rows == page_rows &&
           known.by_kernel == by_kernel &&
           std::ranges::equal(known.lists, all, {}, &tensor::Indices::storage,
                              &tensor::Indices::storage);
  };
  const auto found = std::ranges::find_if(known_, same);
  if (found != known_.end()) return found->plan;
  if (known_.size() == kPlans) known_.pop_front();
  known_.push_back({.lists = all,
                    .heads = shape.heads,
                    .window = shape.window,
                    .page_rows = page_rows,
                    .causal = shape.causal,
                    .by_kernel = by_kernel,
                    .plan = plan_attention(shape, lists, page_rows, by_kernel)});
  return known_.back().plan;
}

}  // namespace vecton::backend
