#include "base/job_sources.h"

#include <algorithm>
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

bool JobSources::work(int worker) {
  const std::shared_ptr<const List> sources = list();
  const size_t count = sources->size(), turn = turn_.load(std::memory_order_relaxed);
  for (size_t i = 0; i < count; ++i) {
    Source& source = *(*sources)[(turn + i) % count];
    turn_.store((turn + i + 1) % count, std::memory_order_relaxed);
    if (enter(source, [&] { return source.work(worker); })) return true;
  }
  return false;
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
