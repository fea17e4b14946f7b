// Text that a model writes: what Python asks for, what it is told, and a stream of it.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "requests.h"

namespace vecton::python {

// vLLM's names of sampling parameters; what is not there stays the checkpoint's.
void read_generate(Arguments& arguments, Generate& task);

nb::object to_python(const Generation& generation);

// What requests have written, as it comes. Threads of the engine put it in, and a thread of
// Python's takes it out: the engine never waits for the interpreter's lock.
class TextStream {
 public:
  class State {
   public:
    ~State();
    // False = nobody listens any more.
    bool put(const GenerationDelta& delta);
    void finish(std::vector<Result> results);
    int descriptor();

   private:
    friend class TextStream;
    void tell();  // with the lock

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<GenerationDelta> deltas_;
    std::vector<Result> results_;
    bool done_ = false, dropped_ = false;
    int pipe_[2] = {-1, -1};  // the first is readable while there is something to take
  };

  TextStream(std::shared_ptr<State> state, Ticket ticket)
      : state_(std::move(state)), ticket_(std::move(ticket)) {}

  // What there is, all at once; None at the end. With `wait` there is something, or the end has
  // come; without it the list may be empty.
  nb::object take(bool wait);
  // After the end.
  Results results();
  // For select() and event loops: readable when take() has something.
  int descriptor() { return state_->descriptor(); }
  void cancel();

 private:
  std::shared_ptr<State> state_;
  Ticket ticket_;
};

}  // namespace vecton::python
