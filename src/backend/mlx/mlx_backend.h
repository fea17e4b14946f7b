// The backend on MLX as the registry sees it, without MLX's headers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/ops.h"

namespace vecton::backend {

// `device`: one of mlx_devices(); empty = the best there is. Another is an error that names those
// there are.
std::unique_ptr<Ops> make_mlx_ops(const std::string& device);
std::vector<std::string> mlx_devices();  // "cpu", and "metal" or "gpu" (MLX with CUDA)

}  // namespace vecton::backend
