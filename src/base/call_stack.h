// The calls that a thread is in, for a handler of a signal that kills the process.
#pragma once

#include <functional>
#include <string_view>

namespace vecton::base {

// Loads what reading a stack needs: in a handler that would allocate. Once, before
// visit_call_stack.
void prepare_call_stack();

// Calls `visit` with the place of every call, the innermost first: "+0x1a2b", its distance from
// where the program (or the library that Vecton is linked into) was loaded, as addr2line and gdb
// take it, or "0x7f0012345678" where it is none of ours. Allocates nothing.
void visit_call_stack(const std::function<void(std::string_view)>& visit);

}  // namespace vecton::base
