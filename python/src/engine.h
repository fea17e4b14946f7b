// EngineHandle: an engine as Python holds it. Knows the process that opened it, may be closed while
// others use it, and is never destroyed by one of its own threads or with the interpreter's lock
// held.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "generation.h"
#include "requests.h"

namespace vecton::python {

// Waits for `ready`, which is asked with the lock, without the interpreter's lock. An interrupt of
// the user is raised.
void wait_until(std::mutex& mutex, std::condition_variable& changed,
                const std::function<bool()>& ready);

// Requests on their way. The engine may be closed before they are answered: they end as cancelled
// then.
class Pending {
 public:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    std::vector<Result> results;
  };

  Pending(std::shared_ptr<State> state, Ticket ticket)
      : state_(std::move(state)), ticket_(std::move(ticket)) {}

  // Waits without the interpreter's lock; an interrupt of the user gives the requests up.
  Results wait();
  void cancel() { ticket_.cancel(); }

 private:
  std::shared_ptr<State> state_;
  Ticket ticket_;
};

class EngineHandle {
 public:
  explicit EngineHandle(std::unique_ptr<Engine> engine);
  ~EngineHandle();

  // The engine, for the time of a call. Errors: it is closed, or was opened before a fork.
  std::shared_ptr<Engine> use() const;
  bool closed() const;
  void close();

  Pending start(std::vector<Request> requests, bool wait_for_room);
  TextStream stream(std::vector<Request> requests);
  Ticket submit(std::vector<Request> requests, nb::object done, bool wait_for_room);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Engine> engine_;
  const pid_t process_;
};

// Waits until no engine is left in this process, and no thread for an answer.
void wait_for_engines();

}  // namespace vecton::python
