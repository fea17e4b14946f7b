// What the system says of memory. May be called from any thread.
#pragma once

#include <cstdint>

namespace vecton {

// Bytes that this process may still take without pushing others out: what is free, within what its
// control group (Linux) allows. 0 = unknown.
int64_t available_memory();

}  // namespace vecton
