// Engines of one runtime share its workers' time: what base/job_sources_test.cpp shows of sources
// that only pretend to compute, of two engines that do.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "vecton/vecton.h"

namespace vecton::engine {
namespace {

constexpr char kBert[] = "tests/golden/bert-embed-mean/model";

class Fairness : public testing::Test {
 protected:
  // A batch of each engine has room for one text.
  std::unique_ptr<Engine> open() {
    EngineOptions options{.model = kBert};
    options.max_batch_tokens = 48;
    return Engine::open(options, runtime_);
  }
  void submit(Engine& engine, int count, const std::function<void()>& done) {
    for (int i = 0; i < count; ++i) {
      std::vector<Request> one(1);
      std::string text = "the capital of France is a city on a river and has a map " +
                         std::to_string(i) + " of all that";
      one[0].prompt.input = std::move(text);
      one[0].prompt.truncation.to = -1;
      engine.submit(std::move(one), [done](const std::vector<Result>&) { done(); });
    }
  }

  const std::shared_ptr<Runtime> runtime_ = Runtime::create({.threads = 1});
};

// The only worker is held until all requests are there. A thread that the system keeps waiting is
// charged for it: the bound leaves room for some of that.
TEST_F(Fairness, AFewRequestsDoNotWaitForAnotherModelsQueue) {
  constexpr int kMany = 2000, kFew = 20;
  const auto gate = open(), busy = open(), other = open();
  std::latch all_there(1), few_done(kFew), many_done(kMany);
  std::atomic<int> done{0}, before{0};
  submit(*gate, 1, [&] { all_there.wait(); });
  submit(*busy, kMany, [&] {
    ++done;
    many_done.count_down();
  });
  submit(*other, kFew, [&] {
    before = done.load();
    few_done.count_down();
  });
  all_there.count_down();
  few_done.wait();
  many_done.wait();
  EXPECT_LT(before.load(), kMany * 3 / 4);
}

}  // namespace
}  // namespace vecton::engine
