#include "base/cgroup.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

namespace vecton::base {

namespace fs = std::filesystem;

namespace {

// Version 1 says "no limit" with a number of this size.
constexpr int64_t kNoLimit = int64_t{1} << 60;

// The number that a file begins with; nothing where there is none ("max").
std::optional<double> number_in(const fs::path& file) {
  std::ifstream stream(file);
  double value = 0;
  return stream >> value ? std::optional(value) : std::nullopt;
}

// The value of a line "name value".
int64_t value_of(const fs::path& file, std::string_view name) {
  std::ifstream stream(file);
  std::string key;
  for (int64_t value = 0; stream >> key >> value;) {
    if (key == name) return value;
  }
  return 0;
}

template <class T>
void tighten(std::optional<T>& limit, T value) {
  limit = limit ? std::min(*limit, value) : value;
}

void read_memory(const fs::path& group, bool v2, CgroupLimits& limits) {
  const auto limit = number_in(group / (v2 ? "memory.max" : "memory.limit_in_bytes"));
  const auto used = number_in(group / (v2 ? "memory.current" : "memory.usage_in_bytes"));
  if (!limit || !used || *limit >= static_cast<double>(kNoLimit)) return;
  const int64_t cached =
      value_of(group / "memory.stat", v2 ? "inactive_file" : "total_inactive_file");
  const auto most = static_cast<int64_t>(*limit);
  const int64_t held = std::max<int64_t>(0, static_cast<int64_t>(*used) - cached);
  tighten(limits.memory, most);
  tighten(limits.memory_left, std::max<int64_t>(0, most - held));
}

void read_cores(const fs::path& group, bool v2, CgroupLimits& limits) {
  double quota = 0, period = 0;
  if (v2) {
    std::ifstream file(group / "cpu.max");  // "200000 100000" or "max 100000"
    if (!(file >> quota >> period)) return;
  } else {
    quota = number_in(group / "cpu.cfs_quota_us").value_or(-1);  // -1 = none
    period = number_in(group / "cpu.cfs_period_us").value_or(0);
  }
  if (quota > 0 && period > 0) tighten(limits.cores, quota / period);
}

// The group itself and all around it. In a container the path may be that of the host, where
// nothing lies under it here: then the root is the container's own group.
template <class F>
void for_groups(const fs::path& root, const fs::path& path, const F& f) {
  for (fs::path group = path.relative_path(); !group.empty(); group = group.parent_path())
    f(root / group);
  f(root);
}

bool lists(std::string_view controllers, std::string_view name) {
  for (size_t at = 0; at <= controllers.size();) {
    const size_t end = std::min(controllers.find(',', at), controllers.size());
    if (controllers.substr(at, end - at) == name) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace

CgroupLimits cgroup_limits(const fs::path& system) {
  CgroupLimits limits;
  const fs::path root = system / "sys/fs/cgroup";
  std::ifstream file(system / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // "0::/path" or "4:memory:/path"
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path path = line.substr(second + 1);
    if (controllers.empty()) {
      for_groups(root, path, [&](const fs::path& group) {
        read_memory(group, true, limits);
        read_cores(group, true, limits);
      });
    }
    if (lists(controllers, "memory"))
      for_groups(root / "memory", path, [&](const fs::path& g) { read_memory(g, false, limits); });
    if (lists(controllers, "cpu"))
      for_groups(root / "cpu", path, [&](const fs::path& g) { read_cores(g, false, limits); });
  }
  return limits;
}

}  // namespace vecton::base
