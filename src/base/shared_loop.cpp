#include "base/shared_loop.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/pause.h"

namespace vecton::base {

namespace {

constexpr int kPauses = 2000;  // before a caller lets the helper it waits for have its core
constexpr int kIndexBits = 32;

uint64_t claim_word(uint32_t run, int64_t next) {
  return uint64_t{run} << kIndexBits | static_cast<uint64_t>(next);
}

}  // namespace

SharedLoop::SharedLoop(int threads)
    : most_stretches_(std::clamp(threads, 1, kMostStretches)),
      shares_(std::make_unique<Share[]>(static_cast<size_t>(most_stretches_))) {}

bool SharedLoop::take() {
  return !taken_.load(std::memory_order_relaxed) &&
         !taken_.exchange(true, std::memory_order_acquire);
}

// What helpers read of a run is written while the loop is closed: see look(). So is the caller's
// claim of its first index.
void SharedLoop::begin(const LoopBody& body, int thread) {
  run_ = {head_.number.load(std::memory_order_relaxed) + 1, body};
  thread_ = thread % stretches_of(body);
  if (run_.number == 1) {  // again, after 2^31 runs: a stretch may be older than that
    for (int i = 0; i < most_stretches_; ++i) share_of(i).claimed.store(0);
  }
  head_.count.store(body.count, std::memory_order_release);
  head_.call.store(body.call, std::memory_order_release);
  head_.context.store(body.context, std::memory_order_release);
  head_.failed.store(false, std::memory_order_release);
  share_of(thread_).claimed.store(claim_word(run_.number, 1), std::memory_order_release);
  head_.number.store(run_.number, std::memory_order_release);
}

void SharedLoop::run_first() { run(run_, run_.body.count * thread_ / stretches_of(run_.body)); }

void SharedLoop::finish() {
  ended_by_helpers_ += run_.body.count - 1;
  const auto never = [] { return false; };
  work(run_, thread_, never, [&](int64_t count) { ended_by_helpers_ -= count; });
  const auto all_ended = [&] {
    int64_t ended = 0;
    for (int i = 0; i < most_stretches_; ++i)
      ended += share_of(i).ended.load(std::memory_order_acquire);
    return ended == ended_by_helpers_;
  };
  for (int i = 0; !all_ended(); ++i) {
    if (i < kPauses) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
  const std::exception_ptr error = std::exchange(error_, nullptr);
  taken_.store(false, std::memory_order_release);
  if (error) std::rethrow_exception(error);
}

// All that was read belongs to one run if its number is the same before and after.
std::optional<SharedLoop::View> SharedLoop::look() const {
  const uint32_t number = head_.number.load(std::memory_order_acquire);
  if (!is_open(number)) return std::nullopt;
  const View view{
      number,
      {head_.count.load(std::memory_order_acquire), head_.call.load(std::memory_order_acquire),
       head_.context.load(std::memory_order_acquire)}};
  if (head_.number.load(std::memory_order_relaxed) != number) return std::nullopt;
  return view;
}

int SharedLoop::stretches_of(const LoopBody& body) const {
  return static_cast<int>(std::min<int64_t>(most_stretches_, body.count));
}

// An index that is claimed keeps its run from ending. A stretch that nobody has begun does so too:
// when the run is still the loop's after the stretch was read, and the stretch has not changed
// since, it is that run which claims it.
SharedLoop::Indices SharedLoop::claim(const View& view, int stretch, bool all) {
  const int stretches = stretches_of(view.body);
  const int64_t first = view.body.count * stretch / stretches;
  const int64_t size = view.body.count * (stretch + 1) / stretches - first;
  std::atomic<uint64_t>& claimed = share_of(stretch).claimed;
  for (uint64_t seen = claimed.load();;) {
    const bool begun = seen >> kIndexBits == view.number;
    const int64_t next = begun ? static_cast<uint32_t>(seen) : 0;
    if (next == size || (!begun && head_.number.load() != view.number)) return {};
    const int64_t count = all ? size - next : 1;
    if (claimed.compare_exchange_weak(seen, claim_word(view.number, next + count)))
      return {first + next, count};
  }
}

void SharedLoop::run(const View& view, int64_t index) {
  try {
    view.body.call(view.body.context, index);
  } catch (...) {
    if (!head_.failed.exchange(true)) error_ = std::current_exception();
  }
}

void SharedLoop::close(uint32_t number) {
  if (head_.number.load(std::memory_order_relaxed) == number)
    head_.number.compare_exchange_strong(number, number + 1);
}

}  // namespace vecton::base
