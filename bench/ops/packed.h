// Packed weights to time: random codes, scales that are all alike.
#pragma once

#include <string>

#include "tensor/weight.h"

namespace vecton::bench {

// The names of packed_weight(), separated by commas.
std::string packed_names();
bool is_packed(const std::string& name);
tensor::Weight packed_weight(const std::string& name, int64_t n, int64_t k);
int64_t bytes_of(const tensor::Weight& weight);

}  // namespace vecton::bench
