#include "backend/mlx/mlx_device.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>
#include <variant>

namespace vecton::backend {

namespace {

std::atomic<int64_t> waited = 0;

void set_limits(const mx::Device& device) {
  const auto& info = mx::device_info(device);
  const auto found = info.find("max_recommended_working_set_size");
  const bool says = found != info.end() && std::holds_alternative<size_t>(found->second);
  const MlxLimits limits = limits_for(says ? std::get<size_t>(found->second) : 0);
  if (limits.wired > 0) mx::set_wired_limit(limits.wired);
  mx::set_cache_limit(limits.cache);
}

}  // namespace

// A pass of a batch needs less than this.
MlxLimits limits_for(size_t recommended) {
  constexpr size_t kCache = size_t{1} << 30;
  if (recommended == 0) return {.cache = kCache, .wired = 0};
  return {.cache = std::min(kCache, recommended / 8), .wired = recommended};
}

std::recursive_mutex& mlx_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

MlxIndices::MlxIndices(std::vector<int32_t> list)
    : values_(std::move(list)), array_(array_of(std::span<const int32_t>(*values_))) {}

MlxIndices::~MlxIndices() {
  const std::lock_guard turn(mlx_mutex());
  array_.reset();
}

std::span<const int32_t> MlxIndices::values() const {
  const std::lock_guard turn(mlx_mutex());
  if (!values_) {
    mx::array all = mx::contiguous(mx::astype(*array_, mx::int32));
    all.eval();
    ++waited;
    values_.emplace(all.data<int32_t>(), all.data<int32_t>() + all.size());
  }
  return *values_;
}

MlxDevice::MlxDevice(mx::Device device) : stream_(mx::new_thread_unsafe_stream(device)) {
  set_limits(device);
}

std::string_view MlxDevice::name() const {
  if (stream_.device == mx::Device::cpu) return "cpu";
  return mx::metal::is_available() ? "metal" : "gpu";
}

MlxDevice::Turn::Turn(const MlxDevice& device) : lock_(mlx_mutex()) {
  mx::set_default_device(device.stream_.device);
  mx::set_default_stream(device.stream_);
}

void MlxDevice::compute(std::vector<mx::array>& arrays) {
  {
    const Turn turn(*this);
    std::vector<mx::array> all = arrays;
    for (const std::weak_ptr<MlxMemory>& memory : std::exchange(written_, {})) {
      if (const std::shared_ptr<MlxMemory> still = memory.lock()) all.push_back(*still->array);
    }
    mx::async_eval(std::move(all));
  }
  for (mx::array& array : arrays) array.wait();
  ++waited;
}

int64_t MlxDevice::waits() { return waited; }

void MlxDevice::written(const std::shared_ptr<MlxMemory>& memory) {
  const auto same = [&](const std::weak_ptr<MlxMemory>& other) {
    return !other.owner_before(memory) && !memory.owner_before(other);
  };
  if (std::ranges::none_of(written_, same)) written_.push_back(memory);
}

mx::array array_of(const Tensor& x) {
  const mx::array& all = *memory_of(x).array;
  if (x.rows() == all.shape(0) && x.columns() == all.shape(1)) return all;
  const int64_t stride = std::max<int64_t>(x.stride(), 1);
  const int row = to_int(x.offset() / stride), column = to_int(x.offset() % stride);
  return mx::slice(all, {row, column}, {row + to_int(x.rows()), column + to_int(x.columns())});
}

Tensor tensor_of(mx::array array, bool kept) {
  const int64_t rows = array.shape(0), columns = array.shape(1);
  return {std::make_shared<MlxMemory>(std::move(array), kept), rows, columns, columns};
}

mx::array array_of(std::span<const int32_t> values) {
  return mx::array(values.data(), {static_cast<int>(values.size())}, mx::int32);
}

mx::array array_of(std::span<const float> values, int64_t rows, int64_t columns) {
  return mx::array(values.data(), {to_int(rows), to_int(columns)}, mx::float32);
}

mx::array array_of(std::span<const std::byte> bytes, int64_t rows, int64_t columns,
                   mx::Dtype type) {
  mx::allocator::Data memory = mx::allocator::malloc(bytes.size());
  std::memcpy(memory.buffer().raw_ptr(), bytes.data(), bytes.size());
  return mx::array(std::move(memory), {to_int(rows), to_int(columns)}, type);
}

}  // namespace vecton::backend
