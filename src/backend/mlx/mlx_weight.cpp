#include "backend/mlx/mlx_weight.h"

#include <algorithm>
#include <utility>

#include "backend/host/dequantise.h"
#include "tensor/narrow.h"

namespace vecton::backend {

namespace {

using tensor::BlockNumbers;
using tensor::Codes;

// How MLX takes a weight: its mode ("affine", "mxfp4", "nvfp4", "mxfp8"), or "" as float32.
struct Form {
  std::string mode;
  int group = 0, bits = 0;
  BlockNumbers::Type numbers = BlockNumbers::Type::kF32;  // of scales and biases: "affine"
  tensor::DType floats = tensor::DType::kF32;             // ""
  float factor = 1;

  bool operator==(const Form&) const = default;
};

bool is_float(BlockNumbers::Type type) { return type <= BlockNumbers::Type::kBF16; }

// Whole numbers with a scale and an offset of every 32, 64 or 128. A zero point is an offset of
// -zero point * scale: exact where the scale has the digits of a 16-bit float, because its products
// with codes have no more than float32's then.
bool is_affine(const tensor::Weight& weight) {
  const Codes& codes = weight.codes;
  const BlockNumbers &scale = weight.scale, &offset = weight.offset;
  if (codes.kind != Codes::Kind::kUint || codes.bits < 2 || codes.bits == 7) return false;
  const int64_t group = scale.block_columns;
  if (scale.block_rows != 1 || (group != 32 && group != 64 && group != 128)) return false;
  if (offset.exists())
    return codes.zero_point == 0 && offset.block_rows == 1 && offset.block_columns == group;
  return scale.type != BlockNumbers::Type::kF32 && !weight.scale_unit.exists();
}

// Whether scales and offsets are what MLX reads: floats of one type.
bool has_mlx_numbers(const tensor::Weight& weight) {
  return weight.offset.exists() && weight.offset.type == weight.scale.type &&
         is_float(weight.scale.type) && !weight.scale_unit.exists() && !weight.offset_unit.exists();
}

// What mx::quantized_matmul multiplies by without a change of a number.
Form form_of(const tensor::Weight& weight) {
  const Codes& codes = weight.codes;
  const BlockNumbers& scale = weight.scale;
  const Form floats;
  const int64_t group = scale.block_columns;
  if (!scale.exists() || weight.columns % std::max<int64_t>(group, 32) != 0) return floats;
  if (is_affine(weight)) {
    return {.mode = "affine",
            .group = to_int(group),
            .bits = codes.bits,
            .numbers = has_mlx_numbers(weight) ? scale.type : BlockNumbers::Type::kF32,
            .factor = weight.factor};
  }
  if (scale.block_rows != 1 || weight.offset.exists() || weight.scale_unit.exists()) return floats;
  const bool fp4 = codes.kind == Codes::Kind::kFp4E2M1, fp8 = codes.kind == Codes::Kind::kFp8E4M3;
  const auto is = [&](bool kind, BlockNumbers::Type type, int64_t size) {
    return kind && scale.type == type && group == size;
  };
  Form form{.mode = "", .group = to_int(group), .bits = fp8 ? 8 : 4, .factor = weight.factor};
  if (is(fp4, BlockNumbers::Type::kE8M0, 32)) form.mode = "mxfp4";
  if (is(fp4, BlockNumbers::Type::kE4M3, 16)) form.mode = "nvfp4";
  if (is(fp8, BlockNumbers::Type::kE8M0, 32)) form.mode = "mxfp8";
  return form.mode.empty() ? floats : form;
}

mx::Dtype dtype_of(tensor::DType type) {
  if (type == tensor::DType::kF16) return mx::float16;
  return type == tensor::DType::kBF16 ? mx::bfloat16 : mx::float32;
}

mx::Dtype dtype_of(BlockNumbers::Type type) {
  if (type == BlockNumbers::Type::kF16) return mx::float16;
  if (type == BlockNumbers::Type::kBF16) return mx::bfloat16;
  return mx::float32;
}

using Bytes = std::vector<std::byte>;

void append(Bytes& to, std::span<const std::byte> from) {
  to.insert(to.end(), from.begin(), from.end());
}

void append_float(Bytes& to, float value) { append(to, std::as_bytes(std::span(&value, 1))); }

// Rows of one form, gathered on the host.
struct Gathered {
  Form form;
  int64_t rows = 0, columns = 0;
  Bytes values, scales, biases;

  void add(const tensor::Weight& weight) {
    rows += weight.rows;
    columns = weight.columns;
    if (form.mode.empty()) return add_floats(weight);
    append(values, weight.codes.bytes.first(static_cast<size_t>(weight.rows * weight.row_bytes())));
    const int64_t count = weight.rows * weight.columns / form.group;
    const auto stored = [&](const BlockNumbers& numbers) {
      return numbers.bytes.first(static_cast<size_t>(count * numbers.size()));
    };
    if (form.mode != "affine") return append(scales, stored(weight.scale));
    if (has_mlx_numbers(weight)) {
      append(scales, stored(weight.scale));
      return append(biases, stored(weight.offset));
    }
    widen(weight);
  }

  mx::array array(const Bytes& bytes, mx::Dtype type) const {
    return array_of(bytes, rows, static_cast<int64_t>(bytes.size()) / rows / mx::size_of(type),
                    type);
  }

  MlxSegment segment() const {
    if (form.mode.empty())
      return {
          .values = array(values, dtype_of(form.floats)), .mode = "", .scales = {}, .biases = {}};
    const bool affine = form.mode == "affine";
    MlxSegment made{.values = array(values, mx::uint32),
                    .mode = form.mode,
                    .group = form.group,
                    .bits = form.bits,
                    .scales = array(scales, affine ? dtype_of(form.numbers) : mx::uint8),
                    .biases = {},
                    .factor = form.factor};
    if (affine) made.biases = array(biases, dtype_of(form.numbers));
    return made;
  }

 private:
  void add_floats(const tensor::Weight& weight) {
    std::vector<float> row(static_cast<size_t>(weight.columns));
    Bytes stored(row.size() * static_cast<size_t>(tensor::size_of(form.floats)));
    for (int64_t i = 0; i < weight.rows; ++i) {
      host::rounded_row(weight, i, form.floats, row.data());
      for (int64_t j = 0; j < weight.columns; ++j)
        tensor::store_number(row[static_cast<size_t>(j)], stored.data(), form.floats, j);
      append(values, stored);
    }
  }

  // Scales and offsets that are codes, of different types or that follow from a zero point.
  void widen(const tensor::Weight& weight) {
    for (int64_t i = 0; i < weight.rows; ++i) {
      for (int64_t j = 0; j < weight.columns; j += form.group) {
        const float scale = host::block_number(weight, weight.scale_unit, i, j) *
                            host::block_number(weight, weight.scale, i, j);
        const float offset = weight.offset.exists()
                                 ? host::block_number(weight, weight.offset_unit, i, j) *
                                       host::block_number(weight, weight.offset, i, j)
                                 : -static_cast<float>(weight.codes.zero_point) * scale;
        append_float(scales, scale);
        append_float(biases, offset);
      }
    }
  }
};

}  // namespace

mx::array MlxSegment::product(const mx::array& x) const {
  if (mode.empty() && values.dtype() == mx::float32) return mx::matmul(x, mx::transpose(values));
  if (mode.empty()) {
    const mx::array narrow = mx::astype(x, values.dtype());
    // A GPU sums in float32 and rounds the sum, which is what makes it fast.
    if (mx::default_device() == mx::Device::gpu)
      return mx::astype(mx::matmul(narrow, mx::transpose(values)), mx::float32);
    return mx::matmul(mx::astype(narrow, mx::float32),
                      mx::transpose(mx::astype(values, mx::float32)));
  }
  const mx::array y = mx::quantized_matmul(x, values, *scales, biases, true, group, bits, mode);
  return factor == 1 ? y : mx::multiply(y, mx::array(factor));
}

MlxWeight::MlxWeight(std::span<const tensor::Weight> parts, ops::Compute compute) {
  k = parts.front().columns;
  std::vector<Gathered> gathered;
  for (const tensor::Weight& part : parts) {
    host::check_weight(part);
    n += part.rows;
    Form form = form_of(part);
    form.floats = ops::rounds_to(compute);
    if (gathered.empty() || gathered.back().form != form) gathered.push_back({.form = form});
    gathered.back().add(part);
    part.release();
  }
  for (Gathered& one : gathered) {
    bytes += static_cast<int64_t>(one.values.size() + one.scales.size() + one.biases.size());
    segments.push_back(one.segment());
    one = {};
  }
}

MlxWeight::~MlxWeight() {
  const std::lock_guard turn(mlx_mutex());
  segments.clear();
  stack.reset();
}

mx::array MlxWeight::product(const mx::array& x) const {
  if (segments.size() == 1) return segments.front().product(x);
  std::vector<mx::array> parts;
  for (const MlxSegment& segment : segments) parts.push_back(segment.product(x));
  return mx::concatenate(std::move(parts), 1);
}

mx::array MlxStack::product(const mx::array& x, const mx::array& chosen) const {
  const mx::array rows = mx::expand_dims(x, 1);
  mx::array y = rows;
  if (!all.mode.empty()) {
    y = mx::gather_qmm(rows, all.values, *all.scales, all.biases, std::nullopt, chosen, true,
                       all.group, all.bits, all.mode, std::nullopt, true);
  } else {
    const mx::array columns = mx::swapaxes(all.values, 1, 2);
    y = mx::gather_mm(mx::astype(rows, all.values.dtype()), columns, std::nullopt, chosen, true);
  }
  y = mx::astype(mx::squeeze(y, 1), mx::float32);
  if (factors) y = mx::multiply(y, mx::take(*factors, chosen, 0));
  if (biases) y = mx::add(y, mx::take(*biases, chosen, 0));
  return y;
}

namespace {

bool is_like(const MlxWeight& weight, const MlxSegment& first) {
  if (weight.segments.size() != 1) return false;
  const MlxSegment& own = weight.segments.front();
  const auto same = [](const mx::array& a, const mx::array& b) {
    return a.dtype() == b.dtype() && a.shape() == b.shape();
  };
  return own.mode == first.mode && own.group == first.group && own.bits == first.bits &&
         same(own.values, first.values) && own.scales.has_value() == first.scales.has_value() &&
         (!own.scales || same(*own.scales, *first.scales)) &&
         own.biases.has_value() == first.biases.has_value();
}

}  // namespace

std::shared_ptr<const MlxStack> stack_of(std::span<const MlxStackPart> parts) {
  const MlxWeight& first = *parts.front().weight;
  const auto same = [](const MlxWeight* a, const MlxStackPart& b) { return a == b.weight; };
  if (first.stack && std::ranges::equal(first.stack->of, parts, same)) return first.stack;
  const MlxSegment form = first.segments.front();
  // The processor device sums products of such floats in them, which MlxSegment::product() avoids.
  if (form.mode.empty() && form.values.dtype() != mx::float32 &&
      mx::default_device() == mx::Device::cpu)
    return nullptr;
  const bool has_bias = !parts.front().bias->empty();
  std::vector<mx::array> values, scales, offsets, biases;
  std::vector<float> factors;
  for (const auto& [weight, bias] : parts) {
    if (!is_like(*weight, form) || bias->empty() == has_bias) return nullptr;
    const MlxSegment& own = weight->segments.front();
    values.push_back(own.values);
    if (own.scales) scales.push_back(*own.scales);
    if (own.biases) offsets.push_back(*own.biases);
    if (has_bias) biases.push_back(mx::reshape(array_of(*bias), {to_int(bias->columns())}));
    factors.push_back(own.factor);
  }
  auto made =
      std::make_shared<MlxStack>(MlxStack{.all = form, .factors = {}, .biases = {}, .of = {}});
  std::vector<mx::array> arrays = {made->all.values = mx::stack(values)};
  if (!scales.empty()) arrays.push_back(*(made->all.scales = mx::stack(scales)));
  if (!offsets.empty()) arrays.push_back(*(made->all.biases = mx::stack(offsets)));
  if (has_bias) arrays.push_back(*(made->biases = mx::stack(biases)));
  if (std::ranges::any_of(factors, [](float factor) { return factor != 1; }))
    made->factors = array_of(factors, static_cast<int64_t>(factors.size()), 1);
  mx::eval(arrays);
  for (size_t i = 0; i < parts.size(); ++i) {
    made->of.push_back(parts[i].weight);
    const auto part_of = [&](const mx::array& all) {
      const int at = static_cast<int>(i);
      return mx::squeeze(mx::slice(all, {at, 0, 0}, {at + 1, all.shape(1), all.shape(2)}), 0);
    };
    MlxSegment& own = parts[i].weight->segments.front();
    own.values = part_of(made->all.values);
    if (own.scales) own.scales = part_of(*made->all.scales);
    if (own.biases) own.biases = part_of(*made->all.biases);
  }
  first.stack = made;
  return made;
}

MlxTable::MlxTable(const tensor::Weight& of) : weight(of) {
  host::check_weight(of);
  n = of.rows;
  k = of.columns;
}

}  // namespace vecton::backend
