// SharedLoop: where the indices of a loop are shared between its caller and helpers.
//
// Between two cores a line of the caches travels for 50 to 300 ns, and a loop of a model that
// writes one token takes some microseconds. So what threads share is written seldom, and what two
// of them write is on lines of their own: the indices are cut into stretches, a thread claims those
// of its own first and, when they are through, what is left of others'; what a helper has done it
// says once, at its end.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>

namespace vecton::base {

struct LoopBody {
  int64_t count;  // at most SharedLoop::kMostIndices
  void (*call)(void* context, int64_t i);
  void* context;
};

class SharedLoop {
 public:
  static constexpr int64_t kMostIndices = INT32_MAX;
  static constexpr size_t kLine = 128;  // bytes of two lines, which some machines fetch at once

  explicit SharedLoop(int threads);

  // Of the caller: take() makes the loop its own, unless it is another's; begin() lets helpers in;
  // run_first() runs an index that is the caller's from the beginning; finish() runs what nobody
  // has begun, waits for the helpers and gives the loop back. `thread` chooses the stretch to begin
  // with. finish() throws what an index threw, in which case indices that nobody had begun are left
  // out.
  bool take();
  void begin(const LoopBody& body, int thread);
  void run_first();
  void finish();

  // Of a helper: whether there may be an index to run, and to run them until leave(). A loop that
  // nothing is left of to begin is closed. Tells whether an index was run.
  bool open() const { return is_open(head_.number.load()); }
  template <typename Leave>
  bool help(int thread, const Leave& leave) {
    const std::optional<View> view = look();
    if (!view) return false;
    std::atomic<int64_t>& ended = share_of(thread % most_stretches_).ended;
    bool helped = false;
    work(*view, thread, leave, [&](int64_t count) {
      ended.fetch_add(count, std::memory_order_release);
      helped = true;
    });
    return helped;
  }

 private:
  static constexpr int kMostStretches = 16;

  // The loop as a whole; written by its caller.
  struct alignas(kLine) Head {
    std::atomic<uint32_t> number{0};  // of this loop's runs; odd while it is open
    std::atomic<int64_t> count{0};
    std::atomic<void (*)(void*, int64_t)> call{nullptr};
    std::atomic<void*> context{nullptr};
    std::atomic<bool> failed{false};
  };
  // Of a thread. What is claimed of its stretch: the number of the run it belongs to, and the next
  // index in it; who comes first in a run begins it, so that a caller need not write others' lines.
  // And how many indices it has ended as a helper, in all runs.
  struct alignas(kLine) Share {
    std::atomic<uint64_t> claimed{0};
    std::atomic<int64_t> ended{0};
  };
  // The head as a helper read it.
  struct View {
    uint32_t number;
    LoopBody body;
  };

  static bool is_open(uint32_t number) { return number % 2 == 1; }
  std::optional<View> look() const;
  int stretches_of(const LoopBody& body) const;
  // What is left of a stretch, or one index of it; none when it is through.
  struct Indices {
    int64_t first = 0, count = 0;
  };
  Share& share_of(int stretch) { return shares_[static_cast<size_t>(stretch)]; }
  Indices claim(const View& view, int stretch, bool all);
  void run(const View& view, int64_t index);
  void close(uint32_t number);

  // Tells `report` after each stretch how many of its indices were ended: run, or left out since
  // one failed. Before others' stretches are looked at, since the caller may be waiting for that
  // alone.
  template <typename Leave, typename Report>
  void work(const View& view, int thread, const Leave& leave, const Report& report) {
    const int stretches = stretches_of(view.body);
    for (int i = 0; i < stretches; ++i) {
      const int stretch = (thread + i) % stretches;
      int64_t ended = 0;
      bool left = false;
      while (!(left = leave())) {
        const bool failed = head_.failed.load(std::memory_order_relaxed);
        const Indices indices = claim(view, stretch, failed);
        if (indices.count == 0) break;
        if (!failed) run(view, indices.first);
        ended += indices.count;
      }
      if (ended > 0) report(ended);
      if (left) return;
    }
    close(view.number);
  }

  const int most_stretches_;
  std::unique_ptr<Share[]> shares_;
  Head head_;
  // Of the caller.
  alignas(kLine) std::atomic<bool> taken_{false};
  View run_{};  // the head as its caller, who has written it, knows it
  int thread_ = 0;
  int64_t ended_by_helpers_ = 0;  // in all runs, when this one is over
  std::exception_ptr error_;      // of the index that failed first
};

}  // namespace vecton::base
