#include "ops/attention_input.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace vecton::test {

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

void copy_row(const Matrix& from, int64_t row, Matrix& to, int64_t to_row) {
  std::copy_n(from.values.begin() + row * from.columns, from.columns,
              to.values.begin() + to_row * to.columns);
}

// The keys that lie in pages, and the others.
struct Split {
  Matrix paged_k, paged_v, k, v;
  std::vector<int32_t> pages, page_offsets, keys{0};
};

Split split_keys(const AttentionInput& input, const Paging& paging) {
  const int64_t columns = input.k.columns;
  int64_t total = 0, cached = 0;  // pages, rows
  for (const int32_t rows : paging.cached) {
    total += (rows + paging.page_rows - 1) / paging.page_rows;
    cached += rows;
  }
  std::vector<int32_t> free(total + 2);  // two pages are nobody's
  std::iota(free.begin(), free.end(), 0);
  Random random(static_cast<uint32_t>(total));
  if (paging.scattered) std::shuffle(free.begin(), free.end(), random);

  Split split;
  if (total > 0) split.page_offsets = {0};
  split.paged_k = split.paged_v = Matrix((total + 2) * paging.page_rows, columns, kNan);
  split.k = split.v = Matrix(input.k.rows - cached, columns);
  int64_t row = 0, own = 0;
  for (size_t s = 0; s < input.lengths.size(); ++s) {
    const int64_t before = paging.cached.empty() ? 0 : paging.cached[s];
    for (int64_t i = 0; i < before; ++i, ++row) {
      if (i % paging.page_rows == 0) split.pages.push_back(free[split.pages.size()]);
      const int64_t slot = split.pages.back() * paging.page_rows + i % paging.page_rows;
      copy_row(input.k, row, split.paged_k, slot);
      copy_row(input.v, row, split.paged_v, slot);
    }
    if (total > 0) split.page_offsets.push_back(static_cast<int32_t>(split.pages.size()));
    for (int64_t i = before; i < input.lengths[s]; ++i, ++row, ++own) {
      copy_row(input.k, row, split.k, own);
      copy_row(input.v, row, split.v, own);
    }
    split.keys.push_back(static_cast<int32_t>(own));
  }
  return split;
}

// The bias that is added to the score of head h, query row i and key row r.
double bias_of(const BiasInput& bias, int64_t h, int64_t i, int64_t r, int64_t distance) {
  if (bias.bucket.empty()) return 0;
  const int64_t b = bias.bucket[std::clamp(distance, -bias.reach, bias.reach) + bias.reach];
  const int64_t column = h * bias.buckets + b;
  return (bias.by_head.columns ? std::abs(bias.by_head.at(h, b)) : 0) +
         (bias.by_query.columns ? std::abs(bias.by_query.at(i, column)) : 0) +
         (bias.by_key.columns ? std::abs(bias.by_key.at(r, column)) : 0);
}

}  // namespace

BiasInput random_bias(Random& random, const ops::AttentionShape& shape, int64_t queries,
                      int64_t keys, const BiasParts& parts) {
  BiasInput bias;
  if (!parts.by_head && !parts.by_query && !parts.by_key) return bias;
  bias.reach = parts.reach;
  bias.buckets = parts.reach + 2;
  // Anything on one side; on the other, slowly ascending from distance to distance, as is common.
  for (int64_t i = 0; i < 2 * bias.reach + 1; ++i) {
    const int64_t next =
        i < bias.reach ? static_cast<int64_t>(random() % bias.buckets)
        : i == bias.reach
            ? 0
            : std::min(bias.buckets - 1, bias.bucket.back() + static_cast<int64_t>(random() % 2));
    bias.bucket.push_back(static_cast<int32_t>(next));
  }
  const int64_t columns = shape.heads * bias.buckets;
  if (parts.by_head) bias.by_head = random_matrix(random, shape.heads, bias.buckets, 2);
  if (parts.by_query) bias.by_query = random_matrix(random, queries, columns);
  if (parts.by_key) bias.by_key = random_matrix(random, keys, columns);
  return bias;
}

// Storage of a cache that holds `x`.
static Tensor store_pages(Ops& ops, const Matrix& x, tensor::DType dtype) {
  const Tensor into = ops.allocate_cache(x.rows, x.columns, dtype);
  std::vector<int32_t> rows(static_cast<size_t>(x.rows));
  std::iota(rows.begin(), rows.end(), 0);
  const tensor::Indices every = ops.upload_indices(std::move(rows));
  ops.store_rows(upload(ops, x), every, into, every);
  return into;
}

Matrix run_attention(Ops& ops, const AttentionInput& input, const Paging& paging, bool fused) {
  const Split split = split_keys(input, paging);
  Tensor q = upload(ops, input.q, fused ? Layout::kStrided : Layout::kDense);
  Tensor k = upload(ops, split.k), v = upload(ops, split.v);
  if (fused) {
    const Tensor parts[] = {k, v};
    const Tensor kv = ops.concat_columns(parts);
    k = kv.slice_columns(0, input.k.columns);
    v = kv.slice_columns(input.k.columns, input.k.columns);
  }
  ops::KeyPages before;
  if (!split.page_offsets.empty()) {
    before = {.k = store_pages(ops, split.paged_k, paging.dtype),
              .v = store_pages(ops, split.paged_v, paging.dtype),
              .page_rows = paging.page_rows,
              .pages = ops.upload_indices(split.pages),
              .offsets = ops.upload_indices(split.page_offsets),
              .cached = ops.upload_indices(paging.cached)};
  }
  std::vector<int32_t> attended = input.attended;  // of the rows that are not in pages
  for (size_t s = 0; s < attended.size(); ++s) {
    if (!paging.cached.empty()) attended[s] -= paging.cached[s];
  }
  ops::AttentionBias bias;
  if (!input.bias.bucket.empty()) {
    const auto part = [&](const Matrix& x) {
      return x.columns ? upload(ops, x, fused ? Layout::kStrided : Layout::kDense) : Tensor();
    };
    bias = {.reach = input.bias.reach,
            .buckets = input.bias.buckets,
            .bucket = ops.upload_indices(input.bias.bucket),
            .by_head = part(input.bias.by_head),
            .by_query = part(input.bias.by_query),
            .by_key = part(input.bias.by_key)};
  }
  if (!input.sinks.empty()) bias.sinks = prepare(ops, input.sinks);
  return download(ops, ops.attention(q, k, v, input.shape, ops.upload_rows(input.queries),
                                     ops.upload_indices(split.keys), bias, before,
                                     ops.upload_indices(attended)));
}

Matrix attention_scale(const AttentionInput& in) {
  Matrix scale(in.q.rows, in.q.columns);
  const int64_t d = in.shape.head_dim;
  int64_t first = 0;
  for (int64_t s = 0; s < in.queries.sequences(); first += in.lengths[s++]) {
    for (int64_t i = in.queries.offsets[s]; i < in.queries.offsets[s + 1]; ++i) {
      for (int64_t head = 0; head < in.shape.heads; ++head) {
        const int64_t column = head / (in.shape.heads / in.shape.kv_heads) * d;
        double score = 0, value = 0;
        for (int64_t j = first; j < first + in.lengths[s]; ++j) {
          double sum = 0;
          for (int64_t c = 0; c < d; ++c) {
            sum += std::abs(static_cast<double>(in.q.at(i, head * d + c)) * in.k.at(j, column + c));
            value = std::max<double>(value, std::abs(in.v.at(j, column + c)));
          }
          const int64_t distance = in.queries.index[i] - (j - first);
          score = std::max(score, sum * in.shape.scale + bias_of(in.bias, head, i, j, distance));
        }
        for (int64_t c = 0; c < d; ++c)
          scale.at(i, head * d + c) = static_cast<float>(value * (1 + score));
      }
    }
  }
  return scale;
}

}  // namespace vecton::test
