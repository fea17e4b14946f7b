// Mixtures of experts: which expert a row goes to is decided on the device, where the rows stay.
#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "backend/mlx/mlx_ops.h"
#include "backend/mlx/mlx_weight.h"

namespace vecton::backend {

using Turn = MlxDevice::Turn;

namespace {

mx::array never() { return mx::array(-std::numeric_limits<float>::infinity()); }

// Columns of the k largest of every row, of equal ones the first; [m, k]. MLX sorts stably.
mx::array largest(const mx::array& x, int k) {
  const mx::array order = mx::argsort(mx::negative(mx::where(mx::isnan(x), never(), x)), 1);
  return mx::astype(mx::slice(order, {0, 0}, {x.shape(0), k}), mx::int32);
}

mx::array softmax_of(const mx::array& x) { return mx::softmax(x, std::vector<int>{1}, true); }

// Scores of experts of other groups than the best become -infinity. A group is as good as the sum
// of its two best.
mx::array within_groups(const mx::array& choice, const ops::Router& router) {
  const int m = choice.shape(0), groups = to_int(router.groups), size = choice.shape(1) / groups,
            top = to_int(router.top_groups);
  const mx::array by_group = mx::reshape(choice, {m, groups, size});
  const mx::array sorted = mx::sort(by_group, 2);
  const mx::array good =
      mx::sum(mx::slice(sorted, {0, 0, std::max(0, size - 2)}, {m, groups, size}), 2);
  const mx::array kept = mx::any(mx::equal(mx::expand_dims(largest(good, top), 1),
                                           mx::reshape(mx::arange(groups), {1, groups, 1})),
                                 2, true);
  return mx::reshape(mx::where(kept, by_group, never()), {m, groups * size});
}

struct ExpertChoice {
  mx::array experts, weights;  // [m, k]
};

// One after another: the best, weighed against those near it.
ExpertChoice sparse_mixer(const mx::array& logits, const ops::Router& router) {
  std::vector<mx::array> experts, weights;
  mx::array left = logits;
  for (int64_t j = 0; j < router.k; ++j) {
    const mx::array best = largest(left, 1), top = mx::take_along_axis(left, best, 1);
    const mx::array factor = mx::maximum(mx::abs(logits), top);
    const mx::array far =
        mx::greater(mx::divide(mx::subtract(top, logits), factor), mx::array(2 * router.jitter));
    weights.push_back(mx::take_along_axis(softmax_of(mx::where(far, never(), left)), best, 1));
    experts.push_back(best);
    left =
        mx::where(mx::equal(mx::reshape(mx::arange(logits.shape(1)), {1, logits.shape(1)}), best),
                  never(), left);
  }
  return {mx::concatenate(std::move(experts), 1), mx::concatenate(std::move(weights), 1)};
}

ExpertChoice choose(const mx::array& logits, const ops::Router& router) {
  using Scores = ops::Router::Scores;
  if (router.scores == Scores::kSparseMixer) return sparse_mixer(logits, router);
  mx::array scores = logits;
  if (router.scores == Scores::kSoftmax) scores = softmax_of(logits);
  if (router.scores == Scores::kSigmoid) scores = activated(logits, ops::Activation::kSigmoid);
  mx::array choice = scores;
  if (!router.correction.empty()) choice = mx::add(choice, array_of(router.correction));
  if (router.groups > 1) choice = within_groups(choice, router);
  const mx::array experts = largest(choice, to_int(router.k));
  mx::array weights = mx::take_along_axis(scores, experts, 1);
  if (router.scores == Scores::kSoftmaxOfChosen) weights = softmax_of(weights);
  if (router.normalize) {
    const mx::array least(static_cast<float>(router.least));
    weights = mx::divide(weights, mx::add(mx::sum(weights, 1, true), least));
  }
  weights = mx::multiply(weights, mx::array(router.scale));
  if (!router.factors.empty()) {
    const mx::array factors = mx::reshape(array_of(router.factors), {logits.shape(1)});
    weights = mx::multiply(weights, mx::take(factors, experts, 0));
  }
  return {experts, weights};
}

const MlxWeight& weight_of(const ops::PreparedWeight& w) {
  return static_cast<const MlxWeight&>(*w);
}

// The stacks of a mixture's matrices; null where their forms differ.
struct Stacks {
  std::shared_ptr<const MlxStack> up, gate, down;  // gate: of SplitGate alone
  bool split = false, plain = false;               // plain: nothing is gated

  bool all() const { return up && down && (gate || !split); }
};

Stacks stacks_of(const ops::Experts& experts) {
  std::vector<MlxStackPart> up, gate, down;
  for (const ops::Expert& expert : experts.all) {
    if (const auto* gated = std::get_if<ops::GatedWeight>(&expert.up)) {
      up.push_back({&weight_of(gated->w), &gated->bias});
    } else if (const auto* linear = std::get_if<ops::LinearWeight>(&expert.up)) {
      up.push_back({&weight_of(linear->w), &linear->bias});
    } else {
      const auto& both = std::get<ops::SplitGate>(expert.up);
      gate.push_back({&weight_of(both.gate.w), &both.gate.bias});
      up.push_back({&weight_of(both.up.w), &both.up.bias});
    }
    down.push_back({&weight_of(expert.down.w), &expert.down.bias});
  }
  Stacks made{.up = stack_of(up), .gate = {}, .down = stack_of(down), .split = !gate.empty()};
  if (made.split) made.gate = stack_of(gate);
  made.plain = std::holds_alternative<ops::LinearWeight>(experts.all.front().up);
  return made;
}

}  // namespace

ops::Routes MlxOps::route(const Tensor& logits, const ops::Router& router) {
  if (logits.rows() == 0) return {.experts = upload_indices({}), .weights = allocate(0, router.k)};
  const Turn turn(*device_);
  const ExpertChoice chosen = choose(array_of(logits), router);
  const int64_t count = logits.rows() * router.k;
  return {
      .experts = {std::make_shared<const MlxIndices>(mx::reshape(chosen.experts, {to_int(count)})),
                  count},
      .weights = tensor_of(chosen.weights)};
}

Tensor MlxOps::experts(const Tensor& x, const ops::Routes& routes, const ops::Experts& experts) {
  if (x.rows() == 0) return allocate(0, experts.all.front().down.w->n);
  std::optional<Turn> turn(std::in_place, *device_);
  const Stacks stacks = stacks_of(experts);
  if (!stacks.all()) {
    turn.reset();
    return Ops::experts(x, routes, experts);
  }
  // Rows of one expert stand together.
  const mx::array all = array_of(routes.experts), order = mx::argsort(all),
                  chosen = mx::take(all, order, 0);
  const mx::array k(static_cast<uint32_t>(routes.weights.columns()), mx::uint32);
  const mx::array rows = mx::take(array_of(x), mx::floor_divide(order, k), 0);
  mx::array h = stacks.up->product(rows, chosen);
  if (stacks.split) {
    h = clamped_gate(stacks.gate->product(rows, chosen), h, experts.alpha, experts.limit);
  } else {
    h = stacks.plain ? activated(h, experts.activation) : gated(h, experts.activation);
  }
  const mx::array y = mx::take(stacks.down->product(h, chosen), mx::argsort(order), 0);
  return weighted_rows(tensor_of(y), routes.weights);
}

}  // namespace vecton::backend
