// CpuOps: the operations of ops.h with kernels for the instruction set chosen at start.
//
// This class checks nothing and computes nothing itself: it cuts an operation into tiles, shares
// them out over the pool's idle workers and calls a kernel for each. One file per group:
// cpu_ops.cpp (memory, gather, concat), cpu_linear.cpp (embed, linear, gated_linear, prepare),
// cpu_attention.cpp, cpu_max_sim.cpp, cpu_rows.cpp (all that goes row by row),
// cpu_recurrent.cpp. Kernels: x_kernels.h
// declares a table of functions, x_kernels.cpp is compiled once per instruction set (targets.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/cpu/arena.h"
#include "backend/cpu/embedding_table.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/panel_memory.h"
#include "backend/cpu/products.h"
#include "backend/host/host_memory.h"
#include "base/thread_pool.h"
#include "ops/ops.h"

namespace vecton::cpu {

using host::data;
using host::row;
using host::view;

// What one item of a parallel loop computes at least: some ten microseconds.
inline constexpr int64_t kProductsPerItem = 1 << 20;

// Calls f(row) for all rows, on idle workers too where there is enough to do: waking one costs as
// much as some ten thousand floats.
template <class F>
void for_rows(base::ThreadPool& pool, int64_t rows, int64_t columns, const F& f) {
  constexpr int64_t kFloatsPerItem = 16384;
  const int64_t step = std::max<int64_t>(1, kFloatsPerItem / std::max<int64_t>(1, columns));
  pool.parallel_for((rows + step - 1) / step, [&](int64_t i) {
    for (int64_t row = i * step; row < std::min(rows, (i + 1) * step); ++row) f(row);
  });
}

class CpuOps final : public Ops {
 public:
  // `held`: what its whole family holds; null = it is the first of one.
  CpuOps(base::ThreadPool& pool, Isa isa, FreeBlocks::Counter held = nullptr);

  std::string_view name() const override { return "cpu"; }
  std::string_view isa() const override { return to_string(isa_); }
  std::unique_ptr<Ops> fork() const override {
    return std::make_unique<CpuOps>(pool_, isa_, held_);
  }

  void give_back_memory() override;
  int64_t held_bytes() const override { return *held_; }

  Tensor allocate(int64_t rows, int64_t columns) override;
  Tensor allocate_kept(int64_t rows, int64_t columns) override;
  Tensor allocate_cache(int64_t rows, int64_t columns, tensor::DType dtype) override;
  Tensor upload(std::span<const float> values, int64_t rows, int64_t columns) override;
  Tensor borrow(std::span<const float> values, int64_t rows, int64_t columns) override {
    return host::borrowed(values, rows, columns);
  }
  void download(const Tensor& x, std::span<float> values) override;
  tensor::Indices upload_indices(std::vector<int32_t> values) override {
    return host::keep(std::move(values));
  }
  std::vector<int32_t> download_indices(const tensor::Indices& indices) override;

  ops::PreparedWeight prepare_linear(std::span<const tensor::Weight> parts,
                                     ops::Compute compute) override;
  ops::PreparedWeight prepare_gated(const tensor::Weight& gate, const tensor::Weight& up,
                                    ops::Compute compute) override;
  ops::PreparedWeight prepare_table(const tensor::Weight& table) override;

  Tensor prepare_parameters(std::span<const float> values, int64_t rows, int64_t columns) override;

  Tensor embed(std::span<const Lookup> lookups) override;
  Tensor linear(const Tensor& x, const ops::LinearWeight& w, ops::Activation act,
                const Tensor* residual) override;
  Tensor gated_linear(const Tensor& x, const ops::GatedWeight& gate_up,
                      ops::Activation act) override;
  Tensor grouped_linear(const Tensor& x, std::span<const ops::RowsOf<ops::LinearWeight>> groups,
                        ops::Activation act) override;
  Tensor grouped_gated_linear(const Tensor& x,
                              std::span<const ops::RowsOf<ops::GatedWeight>> groups,
                              ops::Activation act) override;
  Tensor add(Tensor a, const Tensor& b) override;
  Tensor multiply(Tensor a, const Tensor& b) override;
  Tensor scale(Tensor x, float factor) override;
  Tensor activate(Tensor x, ops::Activation act) override;
  Tensor norm(Tensor x, const ops::NormWeight& w) override;
  Tensor rope(Tensor x, int64_t head_dim, const tensor::Indices& positions,
              const ops::RopeTable& table) override;
  Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v,
                   const ops::AttentionShape& shape, const tensor::SequenceRows& queries,
                   const tensor::Indices& keys, const ops::AttentionBias& bias,
                   const ops::KeyPages& before, const tensor::Indices& attended) override;
  Tensor short_conv(const Tensor& x, const Tensor& taps, const ops::Vector& bias,
                    const tensor::SequenceRows& rows) override;
  Delta gated_delta(const ops::DeltaInput& in, const ops::DeltaShape& shape,
                    const tensor::SequenceRows& rows, const Tensor& before) override;
  Tensor weighted_rows(const Tensor& parts, const Tensor& weights) override;
  Tensor clamped_swiglu(const Tensor& gate, const Tensor& up, float alpha, float limit) override;
  Tensor gather_rows(const Tensor& x, const tensor::Indices& rows) override;
  Tensor pool(const Tensor& x, ops::Pooling how, const tensor::SequenceRows& rows) override;
  Tensor l2_normalize(Tensor x) override;
  void store_rows(const Tensor& x, const tensor::Indices& from, const Tensor& into,
                  const tensor::Indices& to) override;
  Tensor round_to(Tensor x, tensor::DType dtype) override;
  Tensor max_sim(const Tensor& q, const Tensor& d, const tensor::Indices& offsets) override;
  Tensor softmax(Tensor x) override;
  Tensor sigmoid(Tensor x) override;
  Tensor concat_columns(std::span<const Tensor> parts) override;

 private:
  template <class F>
  Tensor change_rows(Tensor x, const F& change);
  std::shared_ptr<const PackedMatrix> packed(std::span<const tensor::Weight> parts, bool gated,
                                             ops::Compute compute);
  void multiply_all(std::vector<Product> products);
  Tensor gated_by_halves(const Tensor& x, const PackedStack& halves, const ops::Vector& bias,
                         ops::Activation act);

  base::ThreadPool& pool_;
  Isa isa_;
  FreeBlocks::Counter held_;
  Arena arena_, kept_;
  PanelMemory panels_;
  EmbeddingTables tables_;
};

}  // namespace vecton::cpu

namespace vecton::backend {

// `isa` empty = the best this machine has. An unknown or missing one is an error that names those
// there are.
std::unique_ptr<Ops> make_cpu_ops(base::ThreadPool& pool, std::string_view isa);
std::vector<std::string> cpu_isas();

}  // namespace vecton::backend
