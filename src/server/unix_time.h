// unix_time: when an answer was made, as APIs tell it.
#pragma once

#include <chrono>
#include <cstdint>

namespace vecton::server {

// Seconds since 1970.
inline int64_t unix_time() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace vecton::server
