#include "base/job_sources.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace vecton::base {

namespace {

// Calls f unless the source is closed; remove() waits meanwhile.
template <class F>
bool enter(JobSources::Source& source, const F& f) {
  source.inside.fetch_add(1);
  const bool done = source.open.load() && f();
  source.inside.fetch_sub(1);
  if (!source.open.load()) source.inside.notify_all();
  return done;
}

// Makes `value` at least `least`.
void raise(std::atomic<int64_t>& value, int64_t least) {
  int64_t now = value.load();
  while (now < least && !value.compare_exchange_weak(now, least)) {
  }
}

}  // namespace

std::shared_ptr<const JobSources::List> JobSources::list() const {
  const std::lock_guard lock(mutex_);
  return list_;
}

std::shared_ptr<JobSources::Source> JobSources::add(std::function<bool(int)> work,
                                                    std::function<void(int)> rest) {
  auto source = std::make_shared<Source>();
  source->work = std::move(work);
  source->rest = std::move(rest);
  const std::lock_guard lock(mutex_);
  List longer = *list_;
  longer.push_back(source);
  list_ = std::make_shared<const List>(std::move(longer));
  return source;
}

void JobSources::remove(const std::shared_ptr<Source>& source) {
  source->open = false;
  {
    const std::lock_guard lock(mutex_);
    List shorter = *list_;
    std::erase(shorter, source);
    list_ = std::make_shared<const List>(std::move(shorter));
  }
  for (int inside = source->inside.load(); inside > 0; inside = source->inside.load())
    source->inside.wait(inside);
}

int64_t JobSources::nanoseconds() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool JobSources::work(Source& source, int worker) {
  raise(virtual_time_, source.served.load());
  const int64_t start = now_();
  if (!enter(source, [&] { return source.work(worker); })) {
    source.idle = true;
    return false;
  }
  const int64_t took = now_() - start;
  source.last = took;
  source.served += took;
  source.idle = false;
  return true;
}

bool JobSources::work(int worker) {
  const std::shared_ptr<const List> sources = list();
  if (sources->size() == 1) return work(*sources->front(), worker);
  struct Turn {
    int64_t time;
    Source* source;
  };
  std::vector<Turn> turns;
  for (const std::shared_ptr<Source>& source : *sources) {
    if (source->idle) raise(source->served, virtual_time_.load());
    // Jobs that run are counted as what the last one took.
    turns.push_back({source->served + source->inside * source->last, source.get()});
  }
  std::ranges::stable_sort(turns, {}, &Turn::time);
  return std::ranges::any_of(turns, [&](const Turn& turn) { return work(*turn.source, worker); });
}

void JobSources::rest(int worker) {
  const std::shared_ptr<const List> sources = list();  // keeps them while they are entered
  for (const std::shared_ptr<Source>& source : *sources) {
    enter(*source, [&] {
      source->rest(worker);
      return true;
    });
  }
}

}  // namespace vecton::base
