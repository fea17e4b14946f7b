// attention().
#include <algorithm>
#include <limits>
#include <utility>

#include "backend/mlx/mlx_ops.h"
#include "backend/mlx/mlx_paged_attention.h"

namespace vecton::backend {

using Turn = MlxDevice::Turn;

namespace {

// [pieces * rows, heads * dim] to [pieces, heads, rows, dim].
mx::array by_heads(const mx::array& x, int pieces, int rows, int64_t heads) {
  const int h = to_int(heads);
  return mx::transpose(mx::reshape(x, {pieces, rows, h, x.shape(1) / h}), {0, 2, 1, 3});
}

// What is added to the scores, [pieces, heads, queries, keys].
mx::array added(const ops::AttentionBias& bias, const AttentionGroup& group, int64_t heads,
                int cached_count) {
  const int b = group.pieces, h = to_int(heads), q = group.queries, k = group.keys;
  const mx::array reach(to_int(bias.reach));
  const mx::array distance = mx::subtract(group.query_at, group.key_at);
  const mx::array bucket =
      mx::take(array_of(bias.bucket),
               mx::add(mx::minimum(mx::maximum(distance, mx::negative(reach)), reach), reach), 0);
  mx::array sum = mx::zeros({1}, mx::float32);
  if (!bias.by_head.empty()) {
    const mx::array of_heads = mx::take(array_of(bias.by_head), bucket, 1);  // [heads, b, q, k]
    sum = mx::add(sum, mx::transpose(of_heads, {1, 0, 2, 3}));
  }
  if (!bias.by_query.empty()) {
    const mx::array rows =
        by_heads(mx::take(array_of(bias.by_query), group.query_rows, 0), b, q, h);
    const mx::array at = mx::broadcast_to(mx::reshape(bucket, {b, 1, q, k}), {b, h, q, k});
    sum = mx::add(sum, mx::take_along_axis(rows, at, 3));
  }
  if (!bias.by_key.empty()) {  // of keys of this batch alone
    const mx::array own = mx::subtract(group.key_rows, mx::array(cached_count));
    const mx::array rows = by_heads(mx::take(array_of(bias.by_key), own, 0), b, k, h);
    const mx::array at =
        mx::broadcast_to(mx::reshape(mx::transpose(bucket, {0, 2, 1}), {b, 1, k, q}), {b, h, k, q});
    sum = mx::add(sum, mx::transpose(mx::take_along_axis(rows, at, 3), {0, 1, 3, 2}));
  }
  return sum;
}

// softmax(scores) v, step by step: where scores are capped or biased, or all keys are equal to a
// query.
mx::array composed(const mx::array& q, const mx::array& k, const mx::array& v,
                   const ops::AttentionShape& shape, const ops::AttentionBias& bias,
                   const AttentionGroup& group, int cached_count) {
  const int b = group.pieces, kv = to_int(shape.kv_heads),
            share = to_int(shape.heads / shape.kv_heads), n = group.queries;
  // Query heads of one key head stand together.
  const mx::array grouped =
      mx::reshape(mx::multiply(q, mx::array(shape.scale)), {b, kv, share, n, q.shape(3)});
  mx::array scores = mx::matmul(grouped, mx::swapaxes(mx::expand_dims(k, 2), 3, 4));
  scores = mx::reshape(scores, {b, kv * share, n, group.keys});
  if (shape.softcap > 0) {
    const mx::array cap(shape.softcap);
    scores = mx::multiply(cap, mx::tanh(mx::divide(scores, cap)));
  }
  if (!bias.bucket.empty()) scores = mx::add(scores, added(bias, group, shape.heads, cached_count));
  const mx::array nothing(-std::numeric_limits<float>::infinity());
  if (group.indifferent) scores = mx::where(*group.indifferent, mx::array(0.0f), scores);
  scores = mx::where(group.seen, scores, nothing);
  if (!bias.sinks.empty()) {
    mx::array sinks = mx::broadcast_to(mx::reshape(array_of(bias.sinks), {1, kv * share, 1, 1}),
                                       {b, kv * share, n, 1});
    if (group.indifferent) sinks = mx::where(*group.indifferent, nothing, sinks);
    scores = mx::concatenate({scores, sinks}, 3);
  }
  mx::array weights = mx::softmax(scores, std::vector<int>{3}, true);
  if (!bias.sinks.empty())
    weights = mx::slice(weights, {0, 0, 0, 0}, {b, kv * share, n, group.keys});
  weights = mx::reshape(weights, {b, kv, share, n, group.keys});
  const mx::array y = mx::matmul(weights, mx::expand_dims(v, 2));
  return mx::reshape(y, {b, kv * share, n, v.shape(3)});
}

mx::array attend(const mx::array& queries, const mx::array& keys, const mx::array& values,
                 const ops::AttentionShape& shape, const ops::AttentionBias& bias,
                 const AttentionGroup& group, int cached_count) {
  const mx::array q =
      by_heads(mx::take(queries, group.query_rows, 0), group.pieces, group.queries, shape.heads);
  const auto of_keys = [&](const mx::array& rows) {
    return by_heads(mx::take(rows, group.key_rows, 0), group.pieces, group.keys, shape.kv_heads);
  };
  const mx::array k = of_keys(keys), v = of_keys(values);
  mx::array y = q;
  if (shape.softcap == 0 && bias.bucket.empty() && !group.indifferent) {
    std::optional<mx::array> sinks;
    if (!bias.sinks.empty()) sinks = mx::reshape(array_of(bias.sinks), {to_int(shape.heads)});
    y = mx::fast::scaled_dot_product_attention(q, k, v, shape.scale, "", group.seen, sinks);
  } else {
    y = composed(q, k, v, shape, bias, group, cached_count);
  }
  if (group.sightless) y = mx::where(*group.sightless, mx::array(0.0f), y);
  return mx::reshape(mx::transpose(y, {0, 2, 1, 3}),
                     {group.pieces * group.queries, to_int(shape.heads * shape.head_dim)});
}

}  // namespace

Tensor MlxOps::attention(const Tensor& q, const Tensor& k, const Tensor& v,
                         const ops::AttentionShape& shape, const tensor::SequenceRows& queries,
                         const tensor::Indices& keys, const ops::AttentionBias& bias,
                         const ops::KeyPages& before, const tensor::Indices& attended) {
  const int64_t columns = shape.heads * shape.head_dim;
  if (q.rows() == 0) return allocate(0, columns);
  const Turn turn(*device_);
  const bool in_pages = std::ranges::any_of(view(before.cached), [](int32_t n) { return n > 0; });
  const bool by_kernel = paged_kernel_ && in_pages && bias.bucket.empty();
  const AttentionPlan& plan = plans_.of(shape,
                                        {.offsets = queries.offsets,
                                         .index = queries.index,
                                         .keys = keys,
                                         .attended = attended,
                                         .pages = before.pages,
                                         .page_offsets = before.offsets,
                                         .cached = before.cached},
                                        before.page_rows, by_kernel);
  if (by_kernel) {
    const PagedKernelCall call(
        {.shape = shape,
         .q = array_of(q),
         .k = array_of(k),
         .v = array_of(v),
         .page_k = array_of(before.k),
         .page_v = array_of(before.v),
         .pages = array_of(before.pages),
         .reach = *plan.reach,
         .sinks = bias.sinks.empty() ? std::nullopt : std::optional(array_of(bias.sinks)),
         .page_rows = before.page_rows});
    return tensor_of(call.run());
  }
  const auto rows_of = [&](const Tensor& own, const Tensor& pages) {
    if (!plan.cached_rows) return array_of(own);
    const mx::array cached =
        mx::astype(mx::take(array_of(pages), *plan.cached_rows, 0), mx::float32);
    return own.rows() == 0 ? cached : mx::concatenate({cached, array_of(own)}, 0);
  };
  const mx::array all_q = array_of(q), all_k = rows_of(k, before.k), all_v = rows_of(v, before.v);
  std::vector<mx::array> parts;
  for (const AttentionGroup& group : plan.groups)
    parts.push_back(attend(all_q, all_k, all_v, shape, bias, group, plan.cached_count));
  if (!plan.order) return tensor_of(parts.size() == 1 ? parts[0] : mx::concatenate(parts, 0));
  parts.push_back(mx::zeros({1, to_int(columns)}, mx::float32));
  return tensor_of(mx::take(mx::concatenate(std::move(parts), 0), *plan.order, 0));
}

}  // namespace vecton::backend
