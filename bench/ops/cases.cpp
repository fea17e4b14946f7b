#include "ops/cases.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <utility>

#include "base/cpu_info.h"
#include "base/half.h"
#include "vecton/error.h"

namespace vecton::bench {

namespace {

// n and k of the linear layers of common encoders: hidden 384, 768 and 1024.
constexpr std::pair<int64_t, int64_t> kShapes[] = {
    {384, 384},  {1152, 384},  {1536, 384},  {384, 1536},  {768, 768},  {3072, 768},
    {768, 3072}, {1024, 1024}, {3072, 1024}, {6144, 1024}, {1024, 3072}};

std::vector<std::pair<int64_t, int64_t>> shapes(const Settings& settings) {
  if (settings.n.empty() && settings.k.empty()) return {std::begin(kShapes), std::end(kShapes)};
  std::vector<std::pair<int64_t, int64_t>> result;
  for (const int64_t n : settings.n.empty() ? settings.k : settings.n) {
    for (const int64_t k : settings.k.empty() ? settings.n : settings.k) result.emplace_back(n, k);
  }
  return result;
}

DType dtype_named(const std::string& name) {
  if (name == "f32") return DType::kF32;
  if (name == "f16") return DType::kF16;
  if (name == "bf16") return DType::kBF16;
  throw Error(ErrorCode::kInvalidArgument, "--dtype: '" + name + "' is none of: f32, f16, bf16");
}

std::vector<float> numbers(int64_t count) {
  std::mt19937 random(static_cast<uint32_t>(count));
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random() >> 8) * 0x1p-23f - 1;
  return values;
}

Tensor input(Ops& ops, int64_t rows, int64_t columns) {
  return ops.upload(numbers(rows * columns), rows, columns);
}

Weight weight(int64_t n, int64_t k, DType dtype) {
  auto bytes = std::make_shared<std::vector<std::byte>>(n * k * size_of(dtype));
  const std::vector<float> values = numbers(n * k);
  for (size_t i = 0; i < values.size(); ++i) {
    if (dtype == DType::kF32) {
      std::memcpy(bytes->data() + 4 * i, &values[i], 4);
    } else {
      const uint16_t bits =
          dtype == DType::kF16 ? float_to_f16(values[i]) : float_to_bf16(values[i]);
      std::memcpy(bytes->data() + 2 * i, &bits, 2);
    }
  }
  Weight result;
  result.name = "weight";
  result.dtype = dtype;
  result.rows = n;
  result.columns = k;
  result.bytes = *bytes;
  result.keep = bytes;
  return result;
}

// A weight as often as it takes to fill all caches several times, or once.
std::vector<PreparedWeight> copies(bool cold, double bytes,
                                   const std::function<PreparedWeight()>& prepare) {
  const double wanted = std::max(192e6, 4.0 * static_cast<double>(last_level_cache()));
  std::vector<PreparedWeight> made(cold ? static_cast<size_t>(wanted / bytes) + 2 : 1);
  for (PreparedWeight& copy : made) copy = prepare();
  return made;
}

std::string shape_of(std::initializer_list<std::pair<const char*, int64_t>> sizes) {
  std::string text;
  for (const auto& [name, size] : sizes) {
    text += (text.empty() ? "" : " ") + std::string(name) + " " + std::to_string(size);
  }
  return text;
}

void add_linear(const Settings& settings, const std::string& dtype_name, bool gated,
                std::vector<Case>& cases) {
  const DType dtype = dtype_named(dtype_name);
  for (const auto& [n, k] : shapes(settings)) {
    for (const int64_t m : settings.m) {
      const double matrices = gated ? 2 : 1,
                   weight_bytes = matrices * static_cast<double>(n * k * size_of(dtype));
      Case c{.op = gated ? "gated" : "linear",
             .shape = shape_of({{"m", m}, {"n", n}, {"k", k}}),
             .dtype = dtype_name,
             .rows = m,
             .work = {.flops = matrices * 2.0 * static_cast<double>(m * n * k),
                      .bytes = settings.cold ? weight_bytes : 0},
             .prepare = {}};
      c.prepare = [=, n = n, k = k, cold = settings.cold,
                   bias = settings.bias](Ops& ops) -> std::function<void()> {
        const Tensor x = input(ops, m, k);
        const Weight w = weight(n, k, dtype);
        const auto all = copies(cold, weight_bytes, [&] {
          return gated ? ops.prepare_gated(w, w) : ops.prepare_linear({&w, 1});
        });
        const Vector b = bias ? std::make_shared<const std::vector<float>>(numbers(n)) : nullptr;
        return [=, &ops, next = size_t{0}]() mutable {
          const PreparedWeight& w = all[next++ % all.size()];
          if (gated) {
            ops.gated_linear(x, {w, nullptr}, Activation::kSilu);
          } else {
            ops.linear(x, {w, b});
          }
        };
      };
      cases.push_back(std::move(c));
    }
  }
}

// As many sequences of one length as make a batch of 2048 rows; heads as many as make 768 columns.
void add_attention(const Settings& settings, std::vector<Case>& cases) {
  for (const int64_t d : settings.head_dims) {
    for (const int64_t length : settings.lengths) {
      const int64_t heads = std::max<int64_t>(1, 768 / d),
                    sequences = std::max<int64_t>(1, 2048 / length);
      const AttentionShape shape{heads, heads, d, 1 / std::sqrt(static_cast<float>(d)),
                                 settings.causal};
      const double pairs =
          static_cast<double>(settings.causal ? length * (length + 1) / 2 : length * length);
      Case c{
          .op = "attention",
          .shape =
              shape_of({{"dim", d}, {"heads", heads}, {"length", length}, {"texts", sequences}}),
          .dtype = "f32",
          .rows = length,
          .work = {.flops = 4.0 * pairs * static_cast<double>(d * heads * sequences), .bytes = 0},
          .prepare = {}};
      c.prepare = [=](Ops& ops) -> std::function<void()> {
        Rows rows;
        for (int64_t s = 0; s < sequences; ++s) {
          for (int64_t i = 0; i < length; ++i) rows.index.push_back(static_cast<int32_t>(i));
          rows.offsets.push_back(static_cast<int32_t>(rows.index.size()));
        }
        const int64_t columns = heads * d;
        const Tensor qkv = input(ops, rows.count(), 3 * columns);
        const Tensor q = qkv.slice_columns(0, columns), k = qkv.slice_columns(columns, columns),
                     v = qkv.slice_columns(2 * columns, columns);
        return [=, &ops] { ops.attention(q, k, v, shape, rows, rows.offsets); };
      };
      cases.push_back(std::move(c));
    }
  }
}

// Operations that read and write every number once: their bytes are counted as if no cache held
// them.
void add_rowwise(const Settings& settings, const std::string& op, std::vector<Case>& cases) {
  for (const int64_t columns :
       settings.n.empty() ? std::vector<int64_t>{384, 768, 1024} : settings.n) {
    for (const int64_t m : settings.m) {
      Case c{.op = op,
             .shape = shape_of({{"m", m}, {"n", columns}}),
             .dtype = "f32",
             .rows = m,
             .work = {.flops = 0, .bytes = 8.0 * static_cast<double>(m * columns)},
             .prepare = {}};
      c.prepare = [=](Ops& ops) -> std::function<void()> {
        const Tensor x = input(ops, m, columns);
        if (op == "norm") {
          const auto ones = std::make_shared<const std::vector<float>>(columns, 1.0f);
          const NormWeight w{NormWeight::Kind::kLayerNorm, ones, ones, 1e-6f};
          return [=, &ops] { ops.norm(x, w); };
        }
        RopeTable table{.rotary_dim = 64, .positions = 512, .cos = {}, .sin = {}};
        table.cos = table.sin = numbers(512 * 32);
        std::vector<int32_t> positions(m);
        for (int64_t i = 0; i < m; ++i) positions[i] = static_cast<int32_t>(i % 512);
        return [=, &ops] { ops.rope(x, 64, positions, table); };
      };
      cases.push_back(std::move(c));
    }
  }
}

// An activation behind a linear layer that is almost nothing, k = 1.
void add_activations(const Settings& settings, std::vector<Case>& cases) {
  constexpr std::pair<const char*, Activation> kActivations[] = {
      {"identity", Activation::kIdentity},  {"gelu", Activation::kGelu},
      {"gelu_tanh", Activation::kGeluTanh}, {"relu", Activation::kRelu},
      {"silu", Activation::kSilu},          {"tanh", Activation::kTanh},
      {"sigmoid", Activation::kSigmoid}};
  for (const auto& [name, act] : kActivations) {
    const int64_t m = 512, n = 1536;
    Case c{.op = "activation",
           .shape = name + (" " + shape_of({{"m", m}, {"n", n}})),
           .dtype = "f32",
           .rows = m,
           .work = {.flops = 0, .bytes = 8.0 * static_cast<double>(m * n)},
           .prepare = {}};
    c.prepare = [=, act = act](Ops& ops) -> std::function<void()> {
      const Tensor x = input(ops, m, 1);
      const Weight w = weight(n, 1, DType::kF32);
      const LinearWeight prepared{ops.prepare_linear({&w, 1}), nullptr};
      return [=, &ops] { ops.linear(x, prepared, act); };
    };
    cases.push_back(std::move(c));
  }
}

}  // namespace

std::vector<Case> make_cases(const Settings& settings) {
  std::vector<Case> cases;
  for (const std::string& op : settings.ops) {
    if (op == "linear" || op == "gated") {
      for (const std::string& dtype : settings.dtypes)
        add_linear(settings, dtype, op == "gated", cases);
    } else if (op == "attention") {
      add_attention(settings, cases);
    } else if (op == "norm" || op == "rope") {
      add_rowwise(settings, op, cases);
    } else if (op == "activation") {
      add_activations(settings, cases);
    } else {
      throw Error(
          ErrorCode::kInvalidArgument,
          "--op: '" + op + "' is none of: linear, gated, attention, norm, rope, activation");
    }
  }
  return cases;
}

}  // namespace vecton::bench
