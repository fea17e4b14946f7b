// JobSources: several sources of jobs for the workers of one ThreadPool. Those that have jobs get
// equal shares of the workers' time, whatever one of their jobs takes: the next job is of the
// source that has had the least (start-time fair queueing). A source that had none for a while has
// no claim to what it did not use: its first job comes next, and from there on it has its share.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace vecton::base {

class JobSources {
 public:
  struct Source {
    std::function<bool(int worker)> work;  // as the pool's: runs one job, if there is one
    std::function<void(int worker)> rest;
    std::atomic<bool> open{true};
    std::atomic<int> inside{0};      // workers that are in it
    std::atomic<int64_t> served{0};  // what its jobs took, in nanoseconds: its virtual time
    std::atomic<int64_t> last{0};    // what the last one took
    std::atomic<bool> idle{true};    // it had no job when it was asked last
  };

  // `now`: nanoseconds of a clock, the system's but in tests.
  explicit JobSources(std::function<int64_t()> now = nanoseconds) : now_(std::move(now)) {}

  std::shared_ptr<Source> add(std::function<bool(int)> work, std::function<void(int)> rest);
  // No worker enters it any more; waits for those that are inside, each until its job is done.
  void remove(const std::shared_ptr<Source>& source);

  // Runs one job of the source that has had the least time of those that have one.
  bool work(int worker);
  void rest(int worker);

 private:
  static int64_t nanoseconds();
  bool work(Source& source, int worker);

  using List = std::vector<std::shared_ptr<Source>>;
  std::shared_ptr<const List> list() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const List> list_ = std::make_shared<List>();
  const std::function<int64_t()> now_;
  std::atomic<int64_t> virtual_time_{0};  // of the source that was asked last
};

}  // namespace vecton::base
