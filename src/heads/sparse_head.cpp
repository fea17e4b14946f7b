#include "heads/sparse_head.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "heads/classifier_head.h"

namespace vecton::heads {

namespace {

// Keeps the `most` largest weights of a sparse answer, by magnitude; of equal ones the first
// tokens'.
void keep_largest(SparseVector& sparse, std::optional<int64_t> most) {
  const size_t count = sparse.values.size();
  if (!most || static_cast<size_t>(*most) >= count) return;
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  const auto larger = [&](size_t a, size_t b) {
    const float x = std::abs(sparse.values[a]), y = std::abs(sparse.values[b]);
    return x != y ? x > y : a < b;
  };
  std::ranges::nth_element(order, order.begin() + *most, larger);
  order.resize(static_cast<size_t>(*most));
  std::ranges::sort(order);
  for (size_t i = 0; i < order.size(); ++i) {
    sparse.ids[i] = sparse.ids[order[i]];
    sparse.values[i] = sparse.values[order[i]];
  }
  sparse.ids.resize(order.size());
  sparse.values.resize(order.size());
}

}  // namespace

SpladeHead::SpladeHead(checkpoint::HeadWeights weights, const checkpoint::SpladePooling& pooling,
                       RowModules modules, std::optional<int64_t> most)
    : weights_(std::move(weights)), pooling_(pooling), modules_(std::move(modules)), most_(most) {}

std::vector<Answer> SpladeHead::answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                                       std::span<const HeadInput> inputs) const {
  std::vector<Tensor> pooled;
  for (size_t s = 0; s < inputs.size(); ++s) {
    Tensor x = run_steps(ops, weights_, slice_sequence(hidden, rows, s));
    x = ops.activate(std::move(x), ops::Activation::kLog1pRelu);
    if (pooling_.log_twice) x = ops.activate(std::move(x), ops::Activation::kLog1pRelu);
    const auto count = static_cast<float>(x.rows());
    x = ops.pool(x, pooling_.sum ? ops::Pooling::kMean : ops::Pooling::kMax,
                 ops.upload_rows(rows_of_sequence(rows, s)));
    if (pooling_.sum) x = ops.scale(std::move(x), count);
    pooled.push_back(modules_.forward(ops, std::move(x)));
  }
  std::vector<Answer> answers;
  for (const Matrix& dense : read_all(ops, pooled)) {
    SparseVector sparse;
    for (int64_t v = 0; v < dense.columns; ++v) {
      const float weight = dense.values[static_cast<size_t>(v)];
      if (weight == 0) continue;  // not finite: kept, and found by who checks
      sparse.ids.push_back(static_cast<int32_t>(v));
      sparse.values.push_back(weight);
    }
    keep_largest(sparse, most_);
    answers.emplace_back(std::move(sparse));
  }
  return answers;
}

std::vector<Answer> StaticWeightsHead::answer(Ops& ops, const Tensor& hidden,
                                              const tensor::Rows& rows,
                                              std::span<const HeadInput> inputs) const {
  const Matrix weights = std::move(read_all(ops, {&hidden, 1}).front());
  std::vector<Answer> answers;
  for (size_t s = 0; s < inputs.size(); ++s) {
    std::map<int32_t, float> of_token;
    for (int32_t r = rows.offsets[s]; r < rows.offsets[s + 1]; ++r) {
      const float weight = weights.values[static_cast<size_t>(r)];
      if (weight != 0) of_token[inputs[s].work->ids[static_cast<size_t>(rows.index[r])]] = weight;
    }
    SparseVector sparse;
    for (const auto& [id, weight] : of_token) {
      sparse.ids.push_back(id);
      sparse.values.push_back(weight);
    }
    keep_largest(sparse, most_);
    answers.emplace_back(std::move(sparse));
  }
  return answers;
}

LexicalHead::LexicalHead(ops::LinearWeight linear, std::set<int32_t> special)
    : linear_(std::move(linear)), special_(std::move(special)) {}

std::vector<Answer> LexicalHead::answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                                        std::span<const HeadInput> inputs) const {
  const Tensor of_tokens[] = {ops.linear(hidden, linear_, ops::Activation::kRelu)};
  const Matrix weights = std::move(read_all(ops, of_tokens).front());
  std::vector<Answer> answers;
  for (size_t s = 0; s < inputs.size(); ++s) {
    std::map<int32_t, float> largest;
    for (int32_t r = rows.offsets[s]; r < rows.offsets[s + 1]; ++r) {
      const int32_t id = inputs[s].work->ids[static_cast<size_t>(rows.index[r])];
      const float weight = weights.values[static_cast<size_t>(r)];
      if (weight == 0 || special_.contains(id)) continue;
      const auto [place, fresh] = largest.try_emplace(id, weight);
      if (!fresh && !(weight <= place->second)) place->second = weight;
    }
    SparseVector sparse;
    for (const auto& [id, weight] : largest) {
      sparse.ids.push_back(id);
      sparse.values.push_back(weight);
    }
    answers.emplace_back(std::move(sparse));
  }
  return answers;
}

}  // namespace vecton::heads
