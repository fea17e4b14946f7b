// Control groups (Linux): the limits of the group that this process is in and of those around it,
// version 2 and 1. Elsewhere there are none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace vecton::base {

struct CgroupLimits {
  std::optional<double> cores;         // processors' worth of time
  std::optional<int64_t> memory;       // bytes that the tightest group may hold ...
  std::optional<int64_t> memory_left;  // ... and that it may still take; file pages that are
                                       // merely cached count as free
};

// `system` is where /proc and /sys are: "/", or a test's folder.
CgroupLimits cgroup_limits(const std::filesystem::path& system = "/");

}  // namespace vecton::base
