// MlxOps: the operations of ops.h on MLX, which computes on Metal on Apple silicon and on the
// processor elsewhere.
//
// An operation adds to a graph; it is computed when results are downloaded, once per forward pass
// where every operation of the pass has a body here. What has none takes rows to the host
// (ops.cpp). One file per group: mlx_ops.cpp (memory), mlx_linear.cpp (weights, linear, embed),
// mlx_elementwise.cpp, mlx_rows.cpp, mlx_experts.cpp, mlx_recurrent.cpp, mlx_attention.cpp with its
// mlx_attention_plan.cpp and mlx_paged_attention.cpp.
//
// Called by backend/registry.cpp, through mlx_backend.h.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backend/mlx/mlx_attention_plan.h"
#include "backend/mlx/mlx_backend.h"
#include "backend/mlx/mlx_device.h"
#include "ops/ops.h"

namespace vecton::backend {

class MlxOps final : public Ops {
 public:
  MlxOps(std::shared_ptr<MlxDevice> device, bool paged_kernel)
      : device_(std::move(device)), paged_kernel_(paged_kernel) {}
  ~MlxOps() override;

  std::string_view name() const override { return "mlx"; }
  std::string_view isa() const override { return device_->name(); }
  std::unique_ptr<Ops> fork() const override {
    return std::make_unique<MlxOps>(device_, paged_kernel_);
  }

  void give_back_memory() override;
  int64_t held_bytes() const override;

  Tensor allocate(int64_t rows, int64_t columns) override;
  Tensor allocate_kept(int64_t rows, int64_t columns) override;
  Tensor allocate_cache(int64_t rows, int64_t columns, tensor::DType dtype) override;
  Tensor upload(std::span<const float> values, int64_t rows, int64_t columns) override;
  void download(const Tensor& x, std::span<float> values) override;
  std::vector<std::vector<float>> download_all(std::span<const Tensor> xs) override;
  tensor::Indices upload_indices(std::vector<int32_t> values) override;
  std::vector<int32_t> download_indices(const tensor::Indices& indices) override;

  ops::PreparedWeight prepare_linear(std::span<const tensor::Weight> parts,
                                     ops::Compute compute) override;
  ops::PreparedWeight prepare_gated(const tensor::Weight& gate, const tensor::Weight& up,
                                    ops::Compute compute) override;
  ops::PreparedWeight prepare_table(const tensor::Weight& table) override;

  Tensor embed(std::span<const Lookup> lookups) override;
  Tensor linear(const Tensor& x, const ops::LinearWeight& w, ops::Activation act,
                const Tensor* residual) override;
  Tensor gated_linear(const Tensor& x, const ops::GatedWeight& gate_up,
                      ops::Activation act) override;
  ops::Routes route(const Tensor& logits, const ops::Router& router) override;
  Tensor experts(const Tensor& x, const ops::Routes& routes, const ops::Experts& experts) override;
  Tensor weighted_rows(const Tensor& parts, const Tensor& weights) override;
  Tensor clamped_swiglu(const Tensor& gate, const Tensor& up, float alpha, float limit) override;
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
  Tensor gather_rows(const Tensor& x, const tensor::Indices& rows) override;
  void store_rows(const Tensor& x, const tensor::Indices& from, const Tensor& into,
                  const tensor::Indices& to) override;
  Tensor round_to(Tensor x, tensor::DType dtype) override;
  Tensor gather_columns(const Tensor& x, const tensor::Indices& columns) override;
  Tensor concat_columns(std::span<const Tensor> parts) override;
  Tensor pool(const Tensor& x, ops::Pooling how, const tensor::SequenceRows& rows) override;
  Tensor l2_normalize(Tensor x) override;
  Tensor max_sim(const Tensor& q, const Tensor& d, const tensor::Indices& offsets) override;

 private:
  std::shared_ptr<MlxDevice> device_;
  bool paged_kernel_;
  AttentionPlans plans_;
};

// Within a Turn. e^x: MLX's own where that is exact; on its processor device it takes the argument
// apart in one step, which costs up to 60 roundoffs. act(x), number by number; act of the first
// half of the columns times the second; Ops::clamped_swiglu().
mx::array exp_of(const mx::array& x);
mx::array activated(const mx::array& x, ops::Activation act);
mx::array gated(const mx::array& gate_up, ops::Activation act);
mx::array clamped_gate(const mx::array& gate, const mx::array& up, float alpha, float limit);

}  // namespace vecton::backend
