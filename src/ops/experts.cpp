// Mixtures of experts in terms of the other operations: rows of one expert stand together.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "ops/downloaded.h"
#include "ops/host_rows.h"
#include "ops/ops.h"
#include "ops/routing.h"

namespace vecton::ops {

namespace {

Tensor one_expert(Ops& ops, const Tensor& x, const Experts& experts, const Expert& expert) {
  if (const auto* gated = std::get_if<GatedWeight>(&expert.up))
    return ops.linear(ops.gated_linear(x, *gated, experts.activation), expert.down);
  if (const auto* up = std::get_if<LinearWeight>(&expert.up))
    return ops.linear(ops.linear(x, *up, experts.activation), expert.down);
  const auto& [gate, up] = std::get<SplitGate>(expert.up);
  Tensor h =
      ops.clamped_swiglu(ops.linear(x, gate), ops.linear(x, up), experts.alpha, experts.limit);
  return ops.linear(h, expert.down);
}

}  // namespace

Routes Ops::route(const Tensor& logits, const Router& router) {
  const std::vector<float> scores = downloaded(*this, logits),
                           correction = downloaded(*this, router.correction),
                           factors = downloaded(*this, router.factors);
  const auto columns = static_cast<size_t>(logits.columns());
  std::vector<int32_t> experts;
  std::vector<float> weights;
  for (size_t i = 0; i < static_cast<size_t>(logits.rows()); ++i) {
    for (const Route& route : route_row(std::span(scores).subspan(i * columns, columns), router,
                                        {.correction = correction, .factors = factors})) {
      experts.push_back(route.expert);
      weights.push_back(route.weight);
    }
  }
  return {.experts = upload_indices(std::move(experts)),
          .weights = upload(weights, logits.rows(), router.k)};
}

Tensor Ops::experts(const Tensor& x, const Routes& routes, const Experts& experts) {
  const std::vector<int32_t> chosen = download_indices(routes.experts);
  const auto k = static_cast<int32_t>(routes.weights.columns());
  std::vector<int32_t> places(chosen.size());  // of a row's j-th expert: row * k + j
  std::iota(places.begin(), places.end(), 0);
  std::ranges::stable_sort(places, {}, [&](int32_t p) { return chosen[static_cast<size_t>(p)]; });
  std::vector<int32_t> from;
  for (const int32_t place : places) from.push_back(place / k);
  const Tensor sorted = gather_rows(x, upload_indices(std::move(from)));

  const int64_t n = experts.all.front().down.w->n;
  const Tensor parts = allocate(static_cast<int64_t>(places.size()), n);
  for (size_t first = 0, end; first < places.size(); first = end) {
    const int32_t expert = chosen[static_cast<size_t>(places[first])];
    for (end = first; end < places.size(); ++end) {
      if (chosen[static_cast<size_t>(places[end])] != expert) break;
    }
    const auto count = static_cast<int64_t>(end - first);
    const Tensor y = one_expert(*this, sorted.slice_rows(static_cast<int64_t>(first), count),
                                experts, experts.all[static_cast<size_t>(expert)]);
    std::vector<int32_t> every(end - first);
    std::iota(every.begin(), every.end(), 0);
    store_rows(y, upload_indices(std::move(every)), parts,
               upload_indices({places.begin() + static_cast<std::ptrdiff_t>(first),
                               places.begin() + static_cast<std::ptrdiff_t>(end)}));
  }
  return weighted_rows(parts, routes.weights);
}

Tensor Ops::weighted_rows(const Tensor& parts, const Tensor& weights) {
  const std::vector<float> x = downloaded(*this, parts), w = downloaded(*this, weights);
  const auto columns = static_cast<size_t>(parts.columns()),
             k = static_cast<size_t>(weights.columns());
  std::vector<float> y(static_cast<size_t>(weights.rows()) * columns);
  for (size_t i = 0; i < w.size(); ++i) {
    const std::span<float> to = std::span(y).subspan(i / k * columns, columns);
    const std::span<const float> part = std::span(x).subspan(i * columns, columns);
    for (size_t j = 0; j < columns; ++j)
      to[j] = i % k == 0 ? w[i] * part[j] : to[j] + w[i] * part[j];
  }
  return upload(y, weights.rows(), parts.columns());
}

Tensor Ops::clamped_swiglu(const Tensor& gate, const Tensor& up, float alpha, float limit) {
  std::vector<float> g = downloaded(*this, gate);
  const std::vector<float> u = downloaded(*this, up);
  for (size_t i = 0; i < g.size(); ++i) g[i] = ops::clamped_swiglu(g[i], u[i], alpha, limit);
  return upload(g, gate.rows(), gate.columns());
}

}  // namespace vecton::ops
