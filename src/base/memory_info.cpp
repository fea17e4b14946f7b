#include "base/memory_info.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace vecton {

namespace {

// MemAvailable of /proc/meminfo, or all of the memory where there is no such file.
int64_t system_memory() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  for (int64_t kilobytes; file >> name >> kilobytes; std::getline(file, unit)) {
    if (name == "MemAvailable:") return kilobytes * 1024;
  }
  const int64_t pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && bytes > 0 ? pages * bytes : 0;
}

// The number in a file of cgroup v2; -1 where there is none ("max").
int64_t number_in(const char* path) {
  std::ifstream file(path);
  int64_t value = -1;
  return file >> value ? value : -1;
}

}  // namespace

int64_t available_memory() {
  const int64_t limit = number_in("/sys/fs/cgroup/memory.max");
  const int64_t used = number_in("/sys/fs/cgroup/memory.current");
  const int64_t system = system_memory();
  return limit >= 0 && used >= 0 ? std::min(system, std::max<int64_t>(0, limit - used)) : system;
}

}  // namespace vecton
