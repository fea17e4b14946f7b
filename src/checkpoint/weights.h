// Weights: a path into a checkpoint's tensors, `w / "layers" / 3 / "attention"`.
//
// Takes tensors by name, checks their shapes and remembers who was taken: check_taken() reports
// every tensor nobody took. q/k/v stacking and repacking are the backend's business: linear() hands
// it the parts. Used while a model is built, from one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/safetensors.h"
#include "ops/ops.h"

namespace vecton::checkpoint {

struct Adapter;
class Quantisation;

class Weights {
 public:
  // The weights of a checkpoint's folder or of a module's (Dense), as read_checkpoint finds them. A
  // folder with other weight files only (.onnx) is an error that says what is needed. `ops`
  // prepares what is taken; `dtype` is EngineOptions::dtype.
  static Weights open(const std::filesystem::path& folder, Ops& ops,
                      std::string_view dtype = "auto");
  // The same of a checkpoint that may be quantised (`quantisation` null = it isn't) or have an
  // adapter, null = none, whose additions are merged into it.
  static Weights open(const std::filesystem::path& folder, const Quantisation* quantisation,
                      const Adapter* adapter, Ops& ops, std::string_view dtype = "auto");

  // <name>.safetensors of the folder, or the torch file <name>.pt.
  static Weights beside(const std::filesystem::path& folder, const std::string& name, Ops& ops);

  // Spelling differences between checkpoints: applied once, before any tensor is taken. The first
  // rule whose `from` is a prefix of a name is used ("bert." -> "").  Renaming two tensors to one
  // name is an error.
  struct Rename {
    std::string from, to;
  };
  void rename_prefixes(std::span<const Rename> rules);
  // Replaces a part of names anywhere ("LayerNorm.gamma" -> "LayerNorm.weight").
  void rename_parts(std::span<const Rename> rules);
  // Takes away what wrappers put before the names: torch.compile's "_orig_mod." and its like
  // anywhere, and a prefix such as "module." of all names. `anchor` is a tensor that the model has;
  // `prefixes` may stand before it. Says what was taken away, "" where that is nothing.
  std::string unwrap(std::string_view anchor, std::span<const std::string_view> prefixes);
  // Tensors under these prefixes (full path, after renaming) belong to something that is not
  // computed: taken, never read. "pooler" covers pooler.dense.weight, not pooler2.weight.
  void skip(std::span<const std::string_view> prefixes);

  // Calls `kept` with the bytes that the backend keeps of each weight as soon as it is prepared;
  // what it throws ends the loading.
  void watch(std::function<void(int64_t bytes)> kept);

  Weights operator/(std::string_view name) const;
  Weights operator/(int64_t index) const;
  // The same path, whose linear layers compute so; float32 where nothing is said. What is
  // computed() is always float32.
  Weights computing(ops::Compute compute) const;
  // Of what decides more than it carries: routers, gates of states.
  Weights in_float32() const { return computing(ops::Compute::kFloat32); }

  bool has(std::string_view name) const;  // "weight" under this path
  bool has(std::string_view name, std::initializer_list<int64_t> shape) const;
  // The first dimension of a tensor; an error where it is missing or has none.
  int64_t rows_of(std::string_view name) const;

  // Errors name file and tensor: "model.safetensors: encoder.layer.3.output.dense.weight: expected
  // [384,1536], found [384,1500]". The bytes of a matrix are aligned to its type.
  tensor::Weight matrix(std::string_view name, int64_t rows, int64_t columns) const;
  // [count, rows, columns] as one matrix: `count` of them under each other.
  tensor::Weight stack(std::string_view name, int64_t count, int64_t rows, int64_t columns) const;
  ops::Vector vector(std::string_view name, int64_t size) const;
  float number(std::string_view name) const;  // the one of a tensor [] or [1]
  // The numbers of a matrix, for what is computed of them while the model is built.
  std::vector<float> values(std::string_view name, int64_t rows, int64_t columns) const;
  // Of a vector, or of a tensor [1, 1, size].
  std::vector<float> values(std::string_view name, int64_t size) const;
  // The path's "weight" [n, k] and, when `bias` says so, "bias" [n].
  enum class Bias { kNone, kRequired, kIfPresent };
  ops::LinearWeight linear(int64_t n, int64_t k, Bias bias = Bias::kRequired) const;
  // Several layers stacked into one: stacked({{"key", n1}, {"value", n2}}, k).
  ops::LinearWeight stacked(std::span<const std::pair<std::string, int64_t>> parts, int64_t k,
                            Bias bias) const;
  // Rows begin .. begin + n of the path's "weight" [rows, k] (and "bias"): one of several layers
  // that the checkpoint keeps in one tensor.
  ops::LinearWeight linear_rows(int64_t begin, int64_t n, int64_t rows, int64_t k,
                                Bias bias = Bias::kRequired) const;
  // <gate>.weight and <up>.weight, and their biases.
  ops::GatedWeight gated(std::string_view gate, std::string_view up, int64_t n, int64_t k,
                         Bias bias = Bias::kNone) const;
  // Of matrices that were taken by matrix() or stack(), or of rows of them (weight_rows.h).
  // Several stand under each other.
  ops::LinearWeight linear_of(std::span<const tensor::Weight> parts,
                              std::span<const float> bias = {}) const;
  ops::LinearWeight linear_of(const tensor::Weight& weight,
                              std::span<const float> bias = {}) const {
    return linear_of({&weight, 1}, bias);
  }
  ops::GatedWeight gated_of(const tensor::Weight& gate, const tensor::Weight& up) const;
  // Gate and up are the halves of the path's "weight" [2n, k] (and "bias").
  enum class Halves { kGateFirst, kUpFirst };
  ops::GatedWeight gated_halves(int64_t n, int64_t k, Halves halves, Bias bias = Bias::kNone) const;
  // "weight" [n, k, width] and "bias" of a convolution along rows, as the layer [n, width * k] that
  // reads `width` neighbouring rows side by side.
  ops::LinearWeight convolution(int64_t n, int64_t k, int64_t width) const;
  // "weight" and "bias" of a convolution over patches that do not overlap, `count` images of
  // `channels` at a time, as the layer [n, channels * count * side * side] that reads the numbers
  // of a patch in this order: [n, channels, count, side, side], without `count` where it is 1, or
  // with the channels last, as MLX has it.
  ops::LinearWeight patches(int64_t n, int64_t channels, int64_t count, int64_t side,
                            Bias bias = Bias::kRequired) const;
  // "weight" of a depthwise convolution, [n, 1, width] or, as MLX has it, [n, width, 1]; for
  // Ops::short_conv.
  Tensor taps(int64_t n, int64_t width) const;
  ops::PreparedWeight table(int64_t rows, int64_t columns) const;  // "weight"
  ops::PreparedWeight table_of_one_column(int64_t rows) const;     // of a vector "weight"
  ops::NormWeight layer_norm(int64_t size, double eps,
                             Bias bias = Bias::kRequired) const;  // "weight" and "bias"
  // "weight", with `plus` added to it: 1 where the file has w of x (1 + w).
  ops::NormWeight rms_norm(int64_t size, double eps, float plus = 0) const;

  // Of the tables that were taken: what lets go of the pages that rows were read from, where a
  // table is read as it lies in its mapped file. They are read from there again.
  const std::vector<std::function<void()>>& table_releases() const;

  // For what is computed of weights once, while the model is built: the backend that prepares them,
  // and a matrix [n, k] of such values, prepared and counted like one of the file.
  Ops& ops() const;
  ops::PreparedWeight computed(std::vector<float> values, int64_t n, int64_t k) const;

  // Throws kCorrupt naming every tensor that nobody took and nobody skipped.
  void check_taken() const;

  // What lies beside the model and nobody took, for a message: left over from training, or layers
  // beyond those that config.json counts. A tensor inside what was read is an error, as it says
  // that the layers are others than these.
  std::vector<std::string> left_over() const;

  int64_t file_bytes() const;      // bytes of the tensors in the files
  int64_t parameters() const;      // numbers in the tensors taken
  int64_t prepared_bytes() const;  // memory the backend keeps for them
  int64_t linear_bytes() const;    // of these, linear and gated weights: what one pass reads
  // Numbers in linear and gated weights: what one pass multiplies with.
  int64_t linear_parameters() const;
  // Of the linear weights as kept: "float32", "bfloat16", "MLX affine 4 bits"; joined by "+" where
  // they differ.
  std::string dtype() const;

  // What the files of a folder hold, from their headers alone.
  struct Form {
    std::string name;  // "float32", "MLX affine 4 bits"
    int64_t parameters = 0, bytes = 0;
    int64_t kept_bytes = 0;  // of quantised ones
  };
  struct Summary {
    int64_t parameters = 0, bytes = 0;
    bool quantised = false;
    std::vector<Form> forms;  // those with the most numbers first
    std::string dtype;  // of most of the numbers; of quantised ones every format, joined by "+"
  };
  static Summary summarize(const std::filesystem::path& folder,
                           const Quantisation* quantisation = nullptr);

 private:
  bool takes(std::string_view name, Bias bias) const;
  ops::PreparedWeight prepared(std::span<const tensor::Weight> parts) const;
  ops::PreparedWeight prepared_gated(const tensor::Weight& gate, const tensor::Weight& up) const;

  struct State;
  std::shared_ptr<State> state_;
  std::string path_;
  ops::Compute compute_ = ops::Compute::kFloat32;
};

}  // namespace vecton::checkpoint
