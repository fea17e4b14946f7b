// A text's answers have the same bits whatever it is computed beside.
#pragma once

#include <filesystem>

namespace vecton::golden {

// Hidden states of random sequences: alone, and in other orders, batches and numbers of threads.
void expect_same_bits_in_any_batch(const std::filesystem::path& model);
// Vectors of a decoder: keys and values that were kept are those that would be computed.
void expect_same_bits_with_a_cache(const std::filesystem::path& model);

}  // namespace vecton::golden
