// Attention to keys in pages by a Metal kernel (paged_attention.metal) that reads them where they
// lie, instead of gathering them for each batch. No Mac has run it yet, so it is used only where
// VECTON_MLX_PAGED_KERNEL=1 asks for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "backend/mlx/mlx_device.h"
#include "ops/types.h"

namespace vecton::backend {

// What VECTON_MLX_PAGED_KERNEL says. Throws where it is neither 0 nor 1, or asks for the kernel on
// another device than Metal; `device` is MlxDevice::name().
bool paged_kernel_asked(std::string_view device);

// Written when the library is built (cmake/EmbedFiles.cmake).
struct MetalSource {
  std::string_view text;
};
extern const MetalSource kPagedAttention;

struct PagedAttention {
  const ops::AttentionShape& shape;
  mx::array q, k, v;         // of the batch
  mx::array page_k, page_v;  // [rows, kv_heads * head_dim]
  mx::array pages;           // of all sequences
  mx::array reach;           // AttentionPlan::reach
  std::optional<mx::array> sinks;
  int64_t page_rows = 0;
};

// What mx::fast::metal_kernel is given.
struct PagedKernelCall {
  static const std::vector<std::string> kInputs;  // names

  std::vector<mx::array> inputs;
  mx::Shape output;
  std::tuple<int, int, int> threads, group;
  std::vector<std::pair<std::string, mx::fast::TemplateArg>> arguments;

  explicit PagedKernelCall(const PagedAttention& of);
  // Within a Turn, on Metal. [queries, heads * head_dim].
  mx::array run() const;
};

}  // namespace vecton::backend
