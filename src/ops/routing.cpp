#include "ops/routing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/never.h"
#include "ops/host_rows.h"

namespace vecton::ops {

namespace {

using base::kNever;

// The k largest, the first of equal ones. NaN is smaller than all.
std::vector<int32_t> largest(std::span<const float> x, int64_t k) {
  std::vector<int32_t> order(x.size());
  std::iota(order.begin(), order.end(), 0);
  const auto at = [&](int32_t i) {
    const float value = x[static_cast<size_t>(i)];
    return std::isnan(value) ? kNever : value;
  };
  std::partial_sort(order.begin(), order.begin() + k, order.end(),
                    [&](int32_t a, int32_t b) { return at(a) != at(b) ? at(a) > at(b) : a < b; });
  order.resize(static_cast<size_t>(k));
  return order;
}

// Experts of other groups than the best are never chosen. A group is as good as its two best.
void leave_groups(std::span<float> choice, const Router& router) {
  const size_t size = choice.size() / static_cast<size_t>(router.groups);
  std::vector<float> good;
  for (size_t g = 0; g < choice.size(); g += size) {
    const std::span<float> group = choice.subspan(g, size);
    float sum = 0;
    for (const int32_t i : largest(group, std::min<int64_t>(2, static_cast<int64_t>(size))))
      sum += group[static_cast<size_t>(i)];
    good.push_back(sum);
  }
  const std::vector<int32_t> kept = largest(good, router.top_groups);
  for (size_t g = 0; g < good.size(); ++g) {
    if (std::ranges::count(kept, static_cast<int32_t>(g)) == 0)
      std::ranges::fill(choice.subspan(g * size, size), kNever);
  }
}

// The best, weighed against those near it; then the best of the others.
std::vector<Route> sparse_mixer(std::span<const float> logits, const Router& router) {
  std::vector<Route> routes;
  std::vector<float> left(logits.begin(), logits.end());
  for (int64_t j = 0; j < router.k; ++j) {
    const int32_t best = largest(left, 1).front();
    const float top = left[static_cast<size_t>(best)];
    std::vector<float> near = left;
    for (size_t i = 0; i < near.size(); ++i) {
      const float factor = std::max(std::abs(logits[i]), top);
      if ((top - logits[i]) / factor > 2 * router.jitter) near[i] = kNever;
    }
    softmax_row(near);
    routes.push_back({best, near[static_cast<size_t>(best)]});
    left[static_cast<size_t>(best)] = kNever;
  }
  return routes;
}

}  // namespace

std::vector<Route> route_row(std::span<const float> logits, const Router& router,
                             const RouterNumbers& numbers) {
  if (router.scores == Router::Scores::kSparseMixer) return sparse_mixer(logits, router);
  std::vector<float> scores(logits.begin(), logits.end());
  if (router.scores == Router::Scores::kSoftmax) softmax_row(scores);
  if (router.scores == Router::Scores::kSigmoid) sigmoid_row(scores);
  std::vector<float> choice = scores;
  for (size_t i = 0; i < numbers.correction.size(); ++i) choice[i] += numbers.correction[i];
  if (router.groups > 1) leave_groups(choice, router);

  const std::vector<int32_t> chosen = largest(choice, router.k);
  std::vector<float> weights;
  for (const int32_t expert : chosen) weights.push_back(scores[static_cast<size_t>(expert)]);
  if (router.scores == Router::Scores::kSoftmaxOfChosen) softmax_row(weights);
  const double sum = std::accumulate(weights.begin(), weights.end(), router.least);
  std::vector<Route> routes;
  for (size_t j = 0; j < chosen.size(); ++j) {
    double weight = weights[j];
    if (router.normalize) weight /= sum;
    weight *= router.scale;
    if (!numbers.factors.empty()) weight *= numbers.factors[static_cast<size_t>(chosen[j])];
    routes.push_back({chosen[j], static_cast<float>(weight)});
  }
  return routes;
}

}  // namespace vecton::ops
