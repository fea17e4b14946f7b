#include "ops/irreducible_ops.h"

#include <utility>

#include "backend/registry.h"

namespace vecton::test {

namespace {

class IrreducibleOps final : public Ops {
 public:
  explicit IrreducibleOps(std::unique_ptr<Ops> ops) : ops_(std::move(ops)) {}

  std::string_view name() const override { return "irreducible"; }
  std::string_view isa() const override { return ops_->isa(); }
  std::unique_ptr<Ops> fork() const override {
    return std::make_unique<IrreducibleOps>(ops_->fork());
  }
  Tensor allocate(int64_t rows, int64_t columns) override { return ops_->allocate(rows, columns); }
  Tensor upload(std::span<const float> values, int64_t rows, int64_t columns) override {
    return ops_->upload(values, rows, columns);
  }
  void download(const Tensor& x, std::span<float> values) override { ops_->download(x, values); }
  tensor::Indices upload_indices(std::vector<int32_t> values) override {
    return ops_->upload_indices(std::move(values));
  }
  std::vector<int32_t> download_indices(const tensor::Indices& indices) override {
    return ops_->download_indices(indices);
  }
  ops::PreparedWeight prepare_linear(std::span<const tensor::Weight> parts) override {
    return ops_->prepare_linear(parts);
  }
  ops::PreparedWeight prepare_table(const tensor::Weight& table) override {
    return ops_->prepare_table(table);
  }
  Tensor embed(std::span<const Lookup> lookups) override { return ops_->embed(lookups); }
  Tensor linear(const Tensor& x, const ops::LinearWeight& w, ops::Activation act,
                const Tensor* residual) override {
    return ops_->linear(x, w, act, residual);
  }
  Tensor add(Tensor a, const Tensor& b) override { return ops_->add(std::move(a), b); }
  Tensor multiply(Tensor a, const Tensor& b) override { return ops_->multiply(std::move(a), b); }
  Tensor activate(Tensor x, ops::Activation act) override {
    return ops_->activate(std::move(x), act);
  }
  Tensor norm(Tensor x, const ops::NormWeight& w) override { return ops_->norm(std::move(x), w); }
  Tensor rope(Tensor x, int64_t head_dim, const tensor::Indices& positions,
              const ops::RopeTable& table) override {
    return ops_->rope(std::move(x), head_dim, positions, table);
  }
  Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v,
                   const ops::AttentionShape& shape, const tensor::SequenceRows& queries,
                   const tensor::Indices& keys, const ops::AttentionBias& bias,
                   const ops::KeyPages& before, const tensor::Indices& attended) override {
    return ops_->attention(q, k, v, shape, queries, keys, bias, before, attended);
  }
  Tensor short_conv(const Tensor& x, const Tensor& taps, const ops::Vector& bias,
                    const tensor::SequenceRows& rows) override {
    return ops_->short_conv(x, taps, bias, rows);
  }
  Tensor gather_rows(const Tensor& x, const tensor::Indices& rows) override {
    return ops_->gather_rows(x, rows);
  }
  void store_rows(const Tensor& x, const tensor::Indices& from, const Tensor& into,
                  const tensor::Indices& to) override {
    ops_->store_rows(x, from, into, to);
  }

 private:
  std::unique_ptr<Ops> ops_;
};

}  // namespace

std::unique_ptr<Ops> make_irreducible_ops(base::ThreadPool& pool) {
  return std::make_unique<IrreducibleOps>(backend::make_ops("ref", pool));
}

}  // namespace vecton::test
