#include "base/cpu_info.h"

#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string_view>

#include "base/cgroup.h"

namespace vecton::base {

std::string cpu_name() {
#if defined(__APPLE__)
  char name[256] = {};
  size_t size = sizeof name - 1;
  if (sysctlbyname("machdep.cpu.brand_string", name, &size, nullptr, 0) == 0) return name;
#endif
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (colon != std::string::npos && line.starts_with("model name")) return line.substr(colon + 2);
  }
#if defined(__x86_64__)
  return "x86-64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "unknown";
#endif
}

#if defined(__APPLE__)

namespace {

// Of the cores that are fast, where there are two kinds; 0 = it doesn't say.
int64_t system_number(const char* name) {
  int64_t value = 0;
  size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

}  // namespace

int64_t last_level_cache() {
  return std::max(system_number("hw.perflevel0.l2cachesize"), system_number("hw.l3cachesize"));
}

#else

int64_t last_level_cache() {
  int64_t largest = 0;
  for (const int level : {_SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL4_CACHE_SIZE}) {
    largest = std::max<int64_t>(largest, sysconf(level));
  }
  return largest;
}

#endif

int cpu_quota() { return static_cast<int>(std::ceil(cgroup_limits().cores.value_or(0))); }

}  // namespace vecton::base
