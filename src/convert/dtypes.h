// What type the numbers of a new checkpoint have. Functions of their arguments, for any thread.
#pragma once

#include <optional>
#include <string_view>

#include "base/json.h"
#include "convert/layout.h"
#include "tensor/dtype.h"

namespace vecton::convert {

// Of "float32", "float16" and "bfloat16"; none for other names.
std::optional<tensor::DType> dtype_of(std::string_view name);
std::optional<tensor::DType> dtype_in(const json::object& config, std::string_view key);

// What numbers are rounded to where no option says; none = nothing, they stay as stored.
std::optional<tensor::DType> usual_dtype(Layout layout, const json::object& config);

}  // namespace vecton::convert
