// ProcessorSharing: a server that all requests share equally, only imagined: when each of them
// would be done there. Who serves one at a time, always the one that would be done first, is done
// with each no later than it would be there (the fair sojourn protocol: Friedman and Henderson,
// "Fairness and efficiency in web server protocols", SIGMETRICS 2003): a short request does not
// wait for long ones before it, and a long one is not kept from its share by any number of short
// ones.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

namespace vecton::engine {

class ProcessorSharing {
 public:
  // A request of `tokens`, at least 1, comes. When it would be done, in tokens of virtual time:
  // comparable with those of others until idle().
  double arrive(int64_t tokens);
  // So many tokens of those that have come are served, whoever's they are.
  void serve(int64_t tokens);
  bool idle() const { return waiting_ == 0; }

 private:
  double now_ = 0;  // virtual time: tokens that each request has been given
  std::priority_queue<double, std::vector<double>, std::greater<>> present_;  // when they are done
  int64_t waiting_ = 0;
};

}  // namespace vecton::engine
