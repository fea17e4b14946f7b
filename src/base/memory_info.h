// What the system says of memory. May be called from any thread.
#pragma once

#include <cstdint>

namespace vecton::base {

// Bytes that this process may still take without pushing others out: what is free, within what its
// control group (Linux) allows. 0 = unknown.
int64_t available_memory();

// Bytes of memory that this process may have at most: the machine's, or its control group's.
int64_t total_memory();

// Bytes of this process that lie in memory. 0 = unknown.
int64_t resident_memory();

// From now on blocks of 256 KiB and more are mappings of their own, which go back to the system
// when they are freed. glibc begins so and then learns to take ever larger ones from its heap,
// where blocks of many sizes leave gaps between them that grow for hours.
void keep_large_blocks_apart();

// What the heap holds and nobody uses goes back to the system, where the C library can do that.
void trim_heap();

}  // namespace vecton::base
