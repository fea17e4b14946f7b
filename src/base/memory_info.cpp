#include "base/memory_info.h"

#if defined(__linux__)
#include <malloc.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "base/cgroup.h"

namespace vecton::base {

namespace {

int64_t physical_memory() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && bytes > 0 ? pages * bytes : 0;
}

// MemAvailable of /proc/meminfo, or all of the memory where there is no such file.
int64_t free_memory() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  for (int64_t kilobytes; file >> name >> kilobytes; std::getline(file, unit)) {
    if (name == "MemAvailable:") return kilobytes * 1024;
  }
  return physical_memory();
}

}  // namespace

int64_t available_memory() {
  return std::min(free_memory(), cgroup_limits().memory_left.value_or(INT64_MAX));
}

int64_t total_memory() {
  return std::min(physical_memory(), cgroup_limits().memory.value_or(INT64_MAX));
}

int64_t resident_memory() {
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0, pages = 0;
  return statm >> size >> pages ? pages * sysconf(_SC_PAGESIZE) : 0;
}

void keep_large_blocks_apart() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
}

// Sanitizers have heaps of their own. glibc's, which nobody uses then, would be set up by whichever
// thread trims it first, and twice by two of them.
void trim_heap() {
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  malloc_trim(0);
#endif
}

}  // namespace vecton::base
