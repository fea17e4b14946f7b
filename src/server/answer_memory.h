// Memory of large answers: that of one which has been written serves the next. It is mapped block
// by block (base::keep_large_blocks_apart()), and taking fresh pages for each answer would cost a
// quarter of the time of one that is little more than its numbers.
//
// For any thread.
#pragma once

#include <cstddef>
#include <string>

namespace vecton::server {

// As body.reserve(bytes).
void reserve_answer(std::string& body, size_t bytes);

// `body` has been written, and is left empty.
void give_back_answer(std::string& body);

}  // namespace vecton::server
