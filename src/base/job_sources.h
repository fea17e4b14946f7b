// JobSources: several sources of jobs for the workers of one ThreadPool, asked in turn.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace vecton::base {

class JobSources {
 public:
  struct Source {
    std::function<bool(int worker)> work;  // as the pool's: runs one job, if there is one
    std::function<void(int worker)> rest;
    std::atomic<bool> open{true};
    std::atomic<int> inside{0};  // workers that are in it
  };

  std::shared_ptr<Source> add(std::function<bool(int)> work, std::function<void(int)> rest);
  // No worker enters it any more; waits for those that are inside, each until its job is done.
  void remove(const std::shared_ptr<Source>& source);

  // Runs one job of the next source that has one.
  bool work(int worker);
  void rest(int worker);

 private:
  using List = std::vector<std::shared_ptr<Source>>;
  std::shared_ptr<const List> list() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const List> list_ = std::make_shared<List>();
  std::atomic<size_t> turn_{0};
};

}  // namespace vecton::base
