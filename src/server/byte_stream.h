// ByteStream: the body of an answer that is still being made. Workers push, the connection takes.
// Thread-safe.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace vecton::server {

class ByteStream {
 public:
  void push(std::string_view bytes) {
    if (!bytes.empty()) change(bytes, false);
  }
  void end() { change({}, true); }

  // What was pushed since the last time; `ended`: no more will come.
  std::string take(bool& ended) {
    const std::lock_guard lock(mutex_);
    ended = ended_;
    return std::exchange(pending_, {});
  }
  // Called on any thread after each push and the end. Null: nobody listens any more.
  void listen(std::function<void()> ready) {
    const std::lock_guard lock(mutex_);
    ready_ = std::move(ready);
  }

 private:
  void change(std::string_view bytes, bool ended) {
    std::function<void()> ready;
    {
      const std::lock_guard lock(mutex_);
      pending_ += bytes;
      ended_ = ended_ || ended;
      ready = ready_;
    }
    if (ready) ready();
  }

  std::mutex mutex_;
  std::string pending_;
  bool ended_ = false;
  std::function<void()> ready_;
};

}  // namespace vecton::server
