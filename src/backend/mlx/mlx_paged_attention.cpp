#include "backend/mlx/mlx_paged_attention.h"

#include <cstdlib>

#include "vecton/error.h"

namespace vecton::backend {

namespace {

// A buffer of nothing is none: one row, which nobody reads.
mx::array not_empty(const mx::array& rows) {
  return rows.size() > 0 ? rows : mx::zeros({1, rows.shape(1)}, rows.dtype());
}

}  // namespace

bool paged_kernel_asked(std::string_view device) {
  const std::string name = "VECTON_MLX_PAGED_KERNEL";
  const char* value = std::getenv(name.c_str());
  const std::string asked = value ? value : "";
  if (asked.empty() || asked == "0") return false;
  if (asked != "1") {
    throw Error(ErrorCode::kInvalidArgument, name + ": expected 0 or 1, found '" + asked + "'",
                name);
  }
  if (device != "metal") {
    throw Error(ErrorCode::kUnsupported,
                name + ": the kernel is for Metal, and MLX computes on '" + std::string(device) +
                    "' here: leave the variable out",
                name);
  }
  return true;
}

const std::vector<std::string> PagedKernelCall::kInputs = {
    "q", "k", "v", "page_k", "page_v", "pages", "reach", "sinks", "numbers"};

PagedKernelCall::PagedKernelCall(const PagedAttention& of) {
  constexpr int kLanes = 32;  // of a SIMD group
  const ops::AttentionShape& shape = of.shape;
  const int heads = to_int(shape.heads), queries = of.q.shape(0);
  const std::vector<float> numbers = {shape.scale, shape.softcap};
  inputs = {of.q,
            not_empty(of.k),
            not_empty(of.v),
            of.page_k,
            of.page_v,
            of.pages,
            of.reach,
            of.sinks ? *of.sinks : mx::zeros({1}, mx::float32),
            mx::array(numbers.data(), {2}, mx::float32)};
  output = {queries, to_int(shape.heads * shape.head_dim)};
  threads = {kLanes, heads, queries};
  group = {kLanes, 1, 1};
  arguments = {{"HEADS", heads},
               {"KV_HEADS", to_int(shape.kv_heads)},
               {"DIM", to_int(shape.head_dim)},
               {"PAGE_ROWS", to_int(of.page_rows)},
               {"CAPPED", shape.softcap > 0},
               {"SINKS", of.sinks.has_value()}};
}

mx::array PagedKernelCall::run() const {
  static const mx::fast::CustomKernelFunction kernel = mx::fast::metal_kernel(
      "vecton_paged_attention", kInputs, {"y"}, std::string(kPagedAttention.text));
  return kernel(inputs, {output}, {mx::float32}, threads, group, arguments, std::nullopt, false, {})
      .front();
}

}  // namespace vecton::backend
