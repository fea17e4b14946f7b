#include "heads/sparse_head.h"

#include <algorithm>
#include <map>
#include <utility>

#include "heads/classifier_head.h"

namespace vecton {

SpladeHead::SpladeHead(HeadWeights weights, const SpladePooling& pooling)
    : weights_(std::move(weights)), pooling_(pooling) {}

std::vector<HeadAnswer> SpladeHead::answer(Ops& ops, const Tensor& hidden, const Rows& rows,
                                           std::span<const HeadInput> inputs) const {
  std::vector<HeadAnswer> answers;
  for (size_t s = 0; s < inputs.size(); ++s) {
    const int64_t first = rows.offsets[s], count = rows.offsets[s + 1] - first;
    Tensor x = run_steps(ops, weights_, hidden.slice_rows(first, count));
    x = ops.activate(std::move(x), Activation::kLog1pRelu);
    if (pooling_.log_twice) x = ops.activate(std::move(x), Activation::kLog1pRelu);
    const Rows own{.offsets = {0, static_cast<int32_t>(count)},
                   .index = {rows.index.begin() + first, rows.index.begin() + first + count}};
    x = ops.pool(x, pooling_.sum ? Pooling::kMean : Pooling::kMax, own);
    if (pooling_.sum) x = ops.scale(std::move(x), static_cast<float>(count));
    const HeadAnswer dense = to_answer(ops, x);
    HeadAnswer sparse{.rows = 1};
    for (int64_t v = 0; v < dense.columns; ++v) {
      const float weight = dense.values[static_cast<size_t>(v)];
      if (weight == 0) continue;  // not finite: kept, and found by who checks
      sparse.ids.push_back(static_cast<int32_t>(v));
      sparse.values.push_back(weight);
    }
    sparse.columns = static_cast<int64_t>(sparse.values.size());
    answers.push_back(std::move(sparse));
  }
  return answers;
}

LexicalHead::LexicalHead(LinearWeight linear, std::set<int32_t> special)
    : linear_(std::move(linear)), special_(std::move(special)) {}

std::vector<HeadAnswer> LexicalHead::answer(Ops& ops, const Tensor& hidden, const Rows& rows,
                                            std::span<const HeadInput> inputs) const {
  const HeadAnswer weights = to_answer(ops, ops.linear(hidden, linear_, Activation::kRelu));
  std::vector<HeadAnswer> answers;
  for (size_t s = 0; s < inputs.size(); ++s) {
    std::map<int32_t, float> largest;
    for (int32_t r = rows.offsets[s]; r < rows.offsets[s + 1]; ++r) {
      const int32_t id = inputs[s].ids[static_cast<size_t>(rows.index[r])];
      const float weight = weights.values[static_cast<size_t>(r)];
      if (weight == 0 || special_.contains(id)) continue;
      const auto [place, fresh] = largest.try_emplace(id, weight);
      if (!fresh && !(weight <= place->second)) place->second = weight;
    }
    HeadAnswer sparse{.rows = 1, .columns = static_cast<int64_t>(largest.size())};
    for (const auto& [id, weight] : largest) {
      sparse.ids.push_back(id);
      sparse.values.push_back(weight);
    }
    answers.push_back(std::move(sparse));
  }
  return answers;
}

}  // namespace vecton
