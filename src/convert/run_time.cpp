#include "convert/run_time.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "convert/choice.h"
#include "convert/dtypes.h"
#include "convert/layout.h"
#include "convert/mlx_form.h"
#include "convert/rows.h"
#include "quantise/quantise.h"

namespace vecton::convert {

namespace {

using tensor::DType;

// The bytes of one quantised matrix.
struct Matrix {
  std::vector<std::byte> codes, scales, offsets;
};

tensor::BlockNumbers::Type scale_type(const quantise::Scheme& scheme, DType dtype) {
  using Type = tensor::BlockNumbers::Type;
  if (scheme.mode == quantise::Mode::kNvfp4) return Type::kE4M3;
  if (!scheme.affine()) return Type::kE8M0;
  return dtype == DType::kF32 ? Type::kF32 : dtype == DType::kF16 ? Type::kF16 : Type::kBF16;
}

tensor::Codes::Kind code_kind(const quantise::Scheme& scheme) {
  using Kind = tensor::Codes::Kind;
  if (scheme.affine()) return Kind::kUint;
  return scheme.mode == quantise::Mode::kMxfp8 ? Kind::kFp8E4M3 : Kind::kFp4E2M1;
}

tensor::Weight quantised(const checkpoint::StoredTensor& stored, const quantise::Scheme& scheme,
                         DType dtype, base::ThreadPool& pool) {
  const Rows rows(stored);
  const int64_t columns = stored.shape.back(), numbers = rows.numbers();
  const int64_t width = scheme.affine() ? tensor::size_of(dtype) : 1;
  const auto matrix = std::make_shared<Matrix>();
  matrix->codes.resize(static_cast<size_t>(scheme.code_bytes(numbers)));
  matrix->scales.resize(static_cast<size_t>(numbers / scheme.group * width));
  matrix->offsets.resize(scheme.affine() ? matrix->scales.size() : 0);
  constexpr int64_t kPiece = 1 << 18;
  const int64_t step = std::max<int64_t>(1, kPiece / columns) * columns;
  const std::string title = checkpoint::title(stored);
  pool.parallel_for((numbers + step - 1) / step, [&](int64_t piece) {
    const int64_t begin = piece * step, at = begin / scheme.group * width;
    std::vector<float> values(static_cast<size_t>(std::min(step, numbers - begin)));
    rows.read(begin, values);
    quantise::quantise(scheme, dtype, values,
                       {matrix->codes.data() + scheme.code_bytes(begin), matrix->scales.data() + at,
                        scheme.affine() ? matrix->offsets.data() + at : nullptr},
                       title);
  });
  tensor::Weight weight;
  weight.name = stored.name;
  weight.columns = columns;
  weight.rows = numbers / columns;
  weight.codes.kind = code_kind(scheme);
  weight.codes.bits = scheme.bits;
  weight.codes.bytes = matrix->codes;
  weight.scale = {
      .type = scale_type(scheme, dtype), .block_columns = scheme.group, .bytes = matrix->scales};
  if (scheme.affine())
    weight.offset = {
        .type = scale_type(scheme, dtype), .block_columns = scheme.group, .bytes = matrix->offsets};
  weight.keep = matrix;
  return weight;
}

class RunTime final : public checkpoint::Quantisation {
 public:
  RunTime(const quantise::Scheme& scheme, json::object config, int threads)
      : scheme_(scheme),
        config_(std::move(config)),
        pool_(std::make_shared<base::ThreadPool>(threads > 0 ? threads
                                                             : base::ThreadPool::cores())) {}

  void gather(checkpoint::Tensors& tensors) const override {
    to_mlx_form(config_, tensors);
    const Layout layout = choose_layout("auto", config_, tensors, false);
    const std::optional<DType> dtype = usual_dtype(layout, config_);
    Choice choice(scheme_, "", true, layout, config_, {});
    std::vector<std::string> notes;
    const models::MlxRules rules = mlx_rules(config_);
    for (auto& [name, stored] : tensors) {
      if (!tensor::is_float(stored.dtype) || stored.quantised) continue;
      const NewTensor tensor{.name = name,
                             .shape = stored.shape,
                             .sources = {stored},
                             .of_matrices = holds_matrices(rules, name)};
      if (const auto scheme = choice.of(tensor, notes))
        pack(*scheme, dtype.value_or(stored.dtype), stored);
      else if (dtype && *dtype != stored.dtype && !keeps_type(layout, rules, name))
        round(*dtype, stored);
    }
  }

 private:
  void pack(const quantise::Scheme& scheme, DType dtype, checkpoint::StoredTensor& stored) const {
    const int64_t numbers = NewTensor{.name = "", .shape = stored.shape, .sources = {}}.numbers();
    auto made = std::make_shared<checkpoint::QuantisedTensor>();
    made->format = "MLX " + std::string(quantise::to_string(scheme.mode)) +
                   (scheme.affine() ? " " + std::to_string(scheme.bits) + " bits" : "");
    made->bytes = scheme.code_bytes(numbers) +
                  numbers / scheme.group * (scheme.affine() ? 2 * tensor::size_of(dtype) : 1);
    made->kept_bytes = made->bytes - scheme.code_bytes(numbers) +
                       checkpoint::kept_code_bytes(numbers, scheme.bits);
    made->weight = [stored, scheme, dtype, pool = pool_] {
      return quantised(stored, scheme, dtype, *pool);
    };
    stored.quantised = std::move(made);
    stored.compute = nullptr;
    stored.dtype = DType::kF32;
  }

  static void round(DType dtype, checkpoint::StoredTensor& stored) {
    const Rows rows(stored);
    std::vector<float> values(static_cast<size_t>(rows.numbers()));
    rows.read(0, values);
    auto bytes = std::make_shared<std::vector<std::byte>>(
        values.size() * static_cast<size_t>(tensor::size_of(dtype)));
    quantise::narrow(dtype, values, *bytes, checkpoint::title(stored));
    stored.dtype = dtype;
    stored.bytes = *bytes;
    stored.copy = std::move(bytes);
    stored.file = nullptr;
    stored.compute = nullptr;
  }

  quantise::Scheme scheme_;
  json::object config_;
  std::shared_ptr<base::ThreadPool> pool_;
};

}  // namespace

bool quantises_to(std::string_view name) {
  if (name.starts_with("mlx-")) name.remove_prefix(4);
  return name.starts_with("affine") || name == "mxfp4" || name == "nvfp4" || name == "mxfp8";
}

std::shared_ptr<const checkpoint::Quantisation> quantise_while_opening(const std::string& name,
                                                                       json::object config,
                                                                       int threads) {
  return std::make_shared<RunTime>(quantise::parse_scheme(name, "quantization"), std::move(config),
                                   threads);
}

}  // namespace vecton::convert
