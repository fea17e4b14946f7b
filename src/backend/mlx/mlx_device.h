// The device that MLX computes on, and the memory of its tensors.
//
// MLX builds a graph of arrays and computes it when a result is waited for. Its graphs are not
// thread-safe, and workers share arrays (weights, caches): who touches one holds a Turn, of which a
// process has one at a time. Building is quick; what takes time, waiting for results, is done
// without it.
#pragma once

#include <mlx/mlx.h>

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tensor/indices.h"
#include "tensor/tensor.h"

namespace vecton::backend {

namespace mx = ::mlx::core;

std::recursive_mutex& mlx_mutex();

// What MLX may keep: memory that was used, for the next pass, and memory that stays where a GPU
// reads it. `recommended`: the most of it that a device says a program should use; 0 = it says
// nothing.
struct MlxLimits {
  size_t cache = 0, wired = 0;
};
MlxLimits limits_for(size_t recommended);

// Storage of a tensor: an array [rows, stride]. What is written into it becomes a new array that
// takes the old one's place (Ops::store_rows); MLX reuses the memory where nobody else reads it.
struct MlxMemory final : tensor::Storage, std::enable_shared_from_this<MlxMemory> {
  std::optional<mx::array> array;
  const bool kept;  // outlives forward passes

  MlxMemory(mx::array of, bool outlives) : array(std::move(of)), kept(outlives) {}
  ~MlxMemory() override {
    const std::lock_guard turn(mlx_mutex());
    array.reset();
  }
};

// A list on both sides: what a graph is shaped by is read here, what it reads there.
class MlxIndices final : public tensor::Storage {
 public:
  explicit MlxIndices(std::vector<int32_t> list);
  // A list that is computed there, [size], and comes here if somebody reads it here.
  explicit MlxIndices(mx::array computed) : array_(std::move(computed)) {}
  ~MlxIndices() override;

  std::span<const int32_t> values() const;
  const mx::array& array() const { return *array_; }

 private:
  mutable std::optional<std::vector<int32_t>> values_;
  std::optional<mx::array> array_;
};

class MlxDevice {
 public:
  explicit MlxDevice(mx::Device device);

  std::string_view name() const;  // "metal", "gpu" (MLX with CUDA), "cpu"

  // While it lives, this thread's operations go to this device.
  class Turn {
   public:
    explicit Turn(const MlxDevice& device);

   private:
    std::lock_guard<std::recursive_mutex> lock_;
  };

  // Called without a Turn: computes `arrays`, and what was written to memory that is kept.
  void compute(std::vector<mx::array>& arrays);
  // How often a result has been waited for, in this process.
  static int64_t waits();
  // Called in a Turn: `memory`, which is kept, has a new array.
  void written(const std::shared_ptr<MlxMemory>& memory);

 private:
  mx::Stream stream_;
  std::vector<std::weak_ptr<MlxMemory>> written_;  // since the last compute()
};

// Within a Turn. The numbers of a tensor, [rows, columns].
mx::array array_of(const Tensor& x);
inline MlxMemory& memory_of(const Tensor& x) { return *static_cast<MlxMemory*>(x.storage()); }
Tensor tensor_of(mx::array array, bool kept = false);  // of two dimensions

// Empty where there are none.
inline std::span<const int32_t> view(const tensor::Indices& indices) {
  if (!indices.storage()) return {};
  return static_cast<const MlxIndices*>(indices.storage())->values();
}
inline const mx::array& array_of(const tensor::Indices& indices) {
  return static_cast<const MlxIndices*>(indices.storage())->array();
}

mx::array array_of(std::span<const int32_t> values);
mx::array array_of(std::span<const float> values, int64_t rows, int64_t columns);
// Bytes as they are, as numbers of `type`.
mx::array array_of(std::span<const std::byte> bytes, int64_t rows, int64_t columns, mx::Dtype type);

inline int to_int(int64_t value) { return static_cast<int>(value); }

}  // namespace vecton::backend
