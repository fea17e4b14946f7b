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

// Rows from which on a batch of experts ends with the expert it has come to: enough to be shared
// among workers, while what lies between gate and down stays small beside the parts of all.
constexpr size_t kExpertRows = 2048;

// Rows of several experts, those of one together.
struct ChosenExpert {
  const Expert* expert;
  int64_t rows;
};

template <class W, class WeightOf>
std::vector<RowsOf<W>> weights_of(std::span<const ChosenExpert> chosen, const WeightOf& weight_of) {
  std::vector<RowsOf<W>> weights;
  for (const auto& [expert, rows] : chosen) weights.push_back({&weight_of(*expert), rows});
  return weights;
}

Tensor inner_rows(Ops& ops, const Tensor& x, std::span<const ChosenExpert> chosen,
                  const Experts& experts) {
  const auto& up = chosen.front().expert->up;
  if (std::holds_alternative<GatedWeight>(up)) {
    const auto weights = weights_of<GatedWeight>(
        chosen, [](const Expert& e) -> auto& { return std::get<GatedWeight>(e.up); });
    return ops.grouped_gated_linear(x, weights, experts.activation);
  }
  if (std::holds_alternative<LinearWeight>(up)) {
    const auto weights = weights_of<LinearWeight>(
        chosen, [](const Expert& e) -> auto& { return std::get<LinearWeight>(e.up); });
    return ops.grouped_linear(x, weights, experts.activation);
  }
  const auto gates = weights_of<LinearWeight>(
      chosen, [](const Expert& e) -> auto& { return std::get<SplitGate>(e.up).gate; });
  const auto ups = weights_of<LinearWeight>(
      chosen, [](const Expert& e) -> auto& { return std::get<SplitGate>(e.up).up; });
  return ops.clamped_swiglu(ops.grouped_linear(x, gates), ops.grouped_linear(x, ups), experts.alpha,
                            experts.limit);
}

Tensor rows_of_experts(Ops& ops, const Tensor& x, std::span<const ChosenExpert> chosen,
                       const Experts& experts) {
  const auto downs = weights_of<LinearWeight>(
      chosen, [](const Expert& e) -> auto& { return e.down; });
  return ops.grouped_linear(inner_rows(ops, x, chosen, experts), downs);
}

// multiply(rows of x, weight) for every group, one after another.
template <class W, class Multiply>
Tensor group_by_group(Ops& ops, const Tensor& x, std::span<const RowsOf<W>> groups,
                      const Multiply& multiply) {
  const Tensor y = ops.allocate(x.rows(), groups.front().weight->w->n);
  int64_t first = 0;
  for (const auto& [weight, rows] : groups) {
    ops.store_all(multiply(x.slice_rows(first, rows), *weight), y.slice_rows(first, rows));
    first += rows;
  }
  return y;
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
  if (x.rows() == 0) return allocate(0, experts.all.front().down.w->n);
  const std::vector<int32_t> chosen = download_indices(routes.experts);
  const auto k = static_cast<int32_t>(routes.weights.columns());
  std::vector<int32_t> places(chosen.size());  // of a row's j-th expert: row * k + j
  std::iota(places.begin(), places.end(), 0);
  std::ranges::stable_sort(places, {}, [&](int32_t p) { return chosen[static_cast<size_t>(p)]; });

  const Tensor parts = allocate(static_cast<int64_t>(places.size()), experts.all.front().down.w->n);
  std::vector<ChosenExpert> batch;
  std::vector<int32_t> to;
  const auto multiply_batch = [&] {
    std::vector<int32_t> from;
    for (const int32_t place : to) from.push_back(place / k);
    const Tensor rows = gather_rows(x, upload_indices(std::move(from)));
    store_all(rows_of_experts(*this, rows, batch, experts), parts,
              upload_indices(std::exchange(to, {})));
    batch.clear();
  };
  for (const int32_t place : places) {
    const Expert* expert = &experts.all[static_cast<size_t>(chosen[static_cast<size_t>(place)])];
    if (batch.empty() || batch.back().expert != expert) {
      if (to.size() >= kExpertRows) multiply_batch();
      batch.push_back({expert, 0});
    }
    ++batch.back().rows;
    to.push_back(place);
  }
  multiply_batch();
  return weighted_rows(parts, routes.weights);
}

Tensor Ops::grouped_linear(const Tensor& x, std::span<const RowsOf<LinearWeight>> groups,
                           Activation act) {
  return group_by_group(*this, x, groups, [&](const Tensor& rows, const LinearWeight& w) {
    return linear(rows, w, act);
  });
}

Tensor Ops::grouped_gated_linear(const Tensor& x, std::span<const RowsOf<GatedWeight>> groups,
                                 Activation act) {
  return group_by_group(*this, x, groups, [&](const Tensor& rows, const GatedWeight& w) {
    return gated_linear(rows, w, act);
  });
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
