// Memory: what goes to the device and comes back.
#include "backend/mlx/mlx_ops.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "backend/mlx/mlx_paged_attention.h"
#include "vecton/error.h"

namespace vecton::backend {

using Turn = MlxDevice::Turn;

MlxOps::~MlxOps() {
  const Turn turn(*device_);
  plans_.clear();
}

void MlxOps::give_back_memory() {
  const Turn turn(*device_);
  plans_.clear();
  mx::clear_cache();
}

int64_t MlxOps::held_bytes() const { return static_cast<int64_t>(mx::get_cache_memory()); }

Tensor MlxOps::allocate(int64_t rows, int64_t columns) {
  const Turn turn(*device_);
  return tensor_of(mx::zeros({to_int(rows), to_int(columns)}, mx::float32));
}

// Not undefined: rows that nobody has written yet stand beside those that are read.
Tensor MlxOps::allocate_kept(int64_t rows, int64_t columns) {
  const Turn turn(*device_);
  return tensor_of(mx::zeros({to_int(rows), to_int(columns)}, mx::float32), true);
}

Tensor MlxOps::allocate_cache(int64_t rows, int64_t columns, tensor::DType dtype) {
  if (dtype == tensor::DType::kF32) return allocate_kept(rows, columns);
  if (dtype != tensor::DType::kBF16) {
    throw Error(ErrorCode::kUnsupported,
                "kv_cache_dtype: the backend mlx keeps caches in float32 or bfloat16",
                "kv_cache_dtype");
  }
  const Turn turn(*device_);
  return {
      std::make_shared<MlxMemory>(mx::zeros({to_int(rows), to_int(columns)}, mx::bfloat16), true),
      rows, columns, columns, dtype};
}

Tensor MlxOps::upload(std::span<const float> values, int64_t rows, int64_t columns) {
  const Turn turn(*device_);
  return tensor_of(array_of(values, rows, columns));
}

void MlxOps::download(const Tensor& x, std::span<float> values) {
  const std::vector<float> read = std::move(download_all({&x, 1}).front());
  std::ranges::copy(read, values.begin());
}

// Whole memories are computed: who reads a tensor row by row waits for the first one.
std::vector<std::vector<float>> MlxOps::download_all(std::span<const Tensor> xs) {
  std::vector<mx::array> arrays, awaited;
  {
    const Turn turn(*device_);
    for (const Tensor& x : xs) {
      if (x.empty()) continue;
      std::optional<mx::array>& all = memory_of(x).array;
      if (!all->is_available() || !all->flags().row_contiguous) {
        all = mx::contiguous(*all);
        awaited.push_back(*all);
      }
      arrays.push_back(*all);
    }
  }
  if (!awaited.empty()) device_->compute(awaited);
  std::vector<std::vector<float>> read;
  size_t next = 0;
  for (const Tensor& x : xs) {
    const auto columns = static_cast<size_t>(x.columns());
    std::vector<float>& values = read.emplace_back(static_cast<size_t>(x.rows()) * columns);
    if (values.empty()) continue;
    const float* from = arrays[next++].data<float>() + x.offset();
    for (size_t i = 0; i < static_cast<size_t>(x.rows()); ++i)
      std::copy_n(from + i * static_cast<size_t>(x.stride()), columns, values.data() + i * columns);
  }
  const Turn turn(*device_);
  arrays.clear();
  awaited.clear();
  return read;
}

tensor::Indices MlxOps::upload_indices(std::vector<int32_t> values) {
  const auto size = static_cast<int64_t>(values.size());
  return {std::make_shared<const MlxIndices>(std::move(values)), size};
}

std::vector<int32_t> MlxOps::download_indices(const tensor::Indices& indices) {
  return {view(indices).begin(), view(indices).end()};
}

std::vector<std::string> mlx_devices() {
  std::vector<std::string> names = {"cpu"};
  if (mx::is_available(mx::Device::gpu))
    names.push_back(mx::metal::is_available() ? "metal" : "gpu");
  return names;
}

std::unique_ptr<Ops> make_mlx_ops(const std::string& device) {
  const std::vector<std::string> names = mlx_devices();
  const std::string& chosen = device.empty() ? names.back() : device;
  if (std::ranges::find(names, chosen) == names.end()) {
    std::string known;
    for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
    throw Error(ErrorCode::kInvalidArgument,
                "'" + device + "' is none of the devices that MLX has here: " + known);
  }
  auto made =
      std::make_shared<MlxDevice>(mx::Device(chosen == "cpu" ? mx::Device::cpu : mx::Device::gpu));
  const bool paged_kernel = paged_kernel_asked(made->name());
  return std::make_unique<MlxOps>(std::move(made), paged_kernel);
}

}  // namespace vecton::backend
