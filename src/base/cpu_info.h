// What the system says of the processor. Called by base/thread_pool.cpp and backend/machine.cpp;
// may be called from any thread.
#pragma once

#include <cstdint>
#include <string>

namespace vecton::base {

// "AMD EPYC 7763 64-Core Processor", or the architecture where the system knows no name.
std::string cpu_name();

// Bytes of the largest cache; 0 = unknown.
int64_t last_level_cache();

// Whole cores' worth of time that the control group of this process may use, rounded up; 0 = no
// limit. Linux, cgroup v2 and v1.
int cpu_quota();

}  // namespace vecton::base
