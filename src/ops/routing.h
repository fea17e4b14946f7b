// Where rows go in a mixture of experts (Ops::route), row by row on the host.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/types.h"

namespace vecton::ops {

struct Route {
  int32_t expert = 0;
  float weight = 0;
};

// The router's parameters as numbers on the host; empty where it has none.
struct RouterNumbers {
  std::span<const float> correction, factors;
};

// router.k of the experts that `logits` has a number for, in the order in which they are chosen; of
// equal ones the first. All but the choice of scores near one another is computed in double and
// rounded once.
std::vector<Route> route_row(std::span<const float> logits, const Router& router,
                             const RouterNumbers& numbers);

}  // namespace vecton::ops
