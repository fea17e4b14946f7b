#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "engine/runtime_impl.h"
#include "vecton/error.h"
#include "vecton/vecton.h"

namespace vecton {

namespace {

[[noreturn]] void refuse(const std::string& message, const char* argument) {
  throw Error(ErrorCode::kInvalidArgument, message, argument);
}

void check(const Numbers& matrix, const char* name) {
  if (matrix.rows < 0 || matrix.columns < 0 ||
      std::ssize(matrix.values) != matrix.rows * matrix.columns)
    refuse(std::string(name) + ": [" + std::to_string(matrix.rows) + ", " +
               std::to_string(matrix.columns) + "] has " + std::to_string(matrix.values.size()) +
               " values",
           name);
}

void check(const Numbers& query, const Numbers& documents, std::span<const int64_t> offsets) {
  check(query, "query");
  check(documents, "documents");
  if (query.columns != documents.columns)
    refuse("documents have " + std::to_string(documents.columns) + " columns, the query has " +
               std::to_string(query.columns),
           "documents");
  if (offsets.empty() || offsets.front() < 0 || offsets.back() > documents.rows)
    refuse("offsets must be of the " + std::to_string(documents.rows) + " rows of documents",
           "offsets");
  for (size_t i = 1; i < offsets.size(); ++i) {
    if (offsets[i] <= offsets[i - 1])
      refuse("document " + std::to_string(i - 1) + " has no rows: offsets[" + std::to_string(i) +
                 "] must be more than offsets[" + std::to_string(i - 1) + "]",
             "offsets");
  }
}

}  // namespace

std::vector<float> max_sim(const Runtime& runtime, const Numbers& query, const Numbers& documents,
                           std::span<const int64_t> offsets) {
  check(query, documents, offsets);
  const std::unique_ptr<Ops> ops = runtime.impl().device->fork();
  const Tensor q = ops->upload(query.values, query.rows, query.columns);
  const Tensor all = ops->borrow(documents.values, documents.rows, documents.columns);
  std::vector<float> scores(offsets.size() - 1);
  // A backend counts rows in 32 bits: as many documents at once as they hold.
  constexpr int64_t kMostRows = std::numeric_limits<int32_t>::max();
  for (auto first = offsets.begin(); first + 1 < offsets.end();) {
    const auto end = std::upper_bound(first + 1, offsets.end(), *first + kMostRows);
    if (end == first + 1)
      refuse("document " + std::to_string(first - offsets.begin()) + " has more than " +
                 std::to_string(kMostRows) + " rows",
             "offsets");
    std::vector<int32_t> bounds;
    std::transform(first, end, std::back_inserter(bounds),
                   [&](int64_t row) { return static_cast<int32_t>(row - *first); });
    const Tensor some = all.slice_rows(*first, bounds.back());
    const Tensor y = ops->max_sim(q, some, ops->upload_indices(std::move(bounds)));
    ops->download(y, std::span(scores).subspan(static_cast<size_t>(first - offsets.begin()),
                                               static_cast<size_t>(y.columns())));
    first = end - 1;
  }
  return scores;
}

}  // namespace vecton
