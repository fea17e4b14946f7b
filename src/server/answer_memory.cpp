#include "server/answer_memory.h"

#include <deque>
#include <mutex>
#include <utility>

namespace vecton::server {

namespace {

constexpr size_t kLeastAnswer = 128 << 10,
                 kMostKept = 16 << 20;  // bytes of one, and of all that are kept

struct Kept {
  std::mutex mutex;                // guards what follows
  std::deque<std::string> bodies;  // the oldest first
  size_t bytes = 0;

  // The smallest that has room.
  std::string take(size_t least) {
    const std::lock_guard lock(mutex);
    auto best = bodies.end();
    for (auto body = bodies.begin(); body != bodies.end(); ++body) {
      if (body->capacity() >= least &&
          (best == bodies.end() || body->capacity() < best->capacity()))
        best = body;
    }
    if (best == bodies.end()) return {};
    std::string found = std::move(*best);
    bodies.erase(best);
    bytes -= found.capacity();
    return found;
  }

  void give(std::string body) {
    std::deque<std::string> ended;  // freed without the lock
    const std::lock_guard lock(mutex);
    bytes += body.capacity();
    bodies.push_back(std::move(body));
    for (; bytes > kMostKept; bodies.pop_front()) {
      bytes -= bodies.front().capacity();
      ended.push_back(std::move(bodies.front()));
    }
  }
};

Kept& kept() {
  static Kept all;
  return all;
}

}  // namespace

void reserve_answer(std::string& body, size_t bytes) {
  if (bytes <= body.capacity()) return;
  std::string larger;
  if (bytes >= kLeastAnswer) larger = kept().take(bytes);
  if (larger.capacity() < bytes) larger.reserve(bytes + bytes / 8);  // the next one may be longer
  larger.append(body);
  body.swap(larger);
}

void give_back_answer(std::string& body) {
  std::string own = std::exchange(body, {});
  if (own.capacity() < kLeastAnswer || own.capacity() > kMostKept) return;
  own.clear();
  kept().give(std::move(own));
}

}  // namespace vecton::server
