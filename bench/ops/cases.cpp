#include "ops/cases.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <set>
#include <utility>

#include "base/cpu_info.h"
#include "base/half.h"
#include "ops/packed.h"
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

tensor::DType dtype_named(const std::string& name) {
  if (name == "f32") return tensor::DType::kF32;
  if (name == "f16") return tensor::DType::kF16;
  if (name == "bf16") return tensor::DType::kBF16;
  throw Error(ErrorCode::kInvalidArgument,
              "--dtype: '" + name + "' is none of: f32, f16, bf16, " + packed_names());
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

tensor::Weight weight(int64_t n, int64_t k, tensor::DType dtype) {
  auto bytes = std::make_shared<std::vector<std::byte>>(n * k * tensor::size_of(dtype));
  const std::vector<float> values = numbers(n * k);
  for (size_t i = 0; i < values.size(); ++i) {
    if (dtype == tensor::DType::kF32) {
      std::memcpy(bytes->data() + 4 * i, &values[i], 4);
    } else {
      const uint16_t bits = dtype == tensor::DType::kF16 ? base::float_to_f16(values[i])
                                                         : base::float_to_bf16(values[i]);
      std::memcpy(bytes->data() + 2 * i, &bits, 2);
    }
  }
  tensor::Weight result;
  result.name = "weight";
  result.codes.dtype = dtype;
  result.rows = n;
  result.columns = k;
  result.codes.bytes = *bytes;
  result.keep = bytes;
  return result;
}

// What is read as often as it takes to fill all caches several times, or once.
template <class T>
std::vector<T> copies(bool cold, double bytes, const std::function<T()>& prepare) {
  const double wanted = std::max(192e6, 4.0 * static_cast<double>(base::last_level_cache()));
  std::vector<T> made(cold ? static_cast<size_t>(wanted / bytes) + 2 : 1);
  for (T& copy : made) copy = prepare();
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
  for (const auto& [n, k] : shapes(settings)) {
    const tensor::Weight w = is_packed(dtype_name) ? packed_weight(dtype_name, n, k)
                                                   : weight(n, k, dtype_named(dtype_name));
    for (const int64_t m : settings.m) {
      const double matrices = gated ? 2 : 1,
                   weight_bytes = matrices * static_cast<double>(bytes_of(w));
      Case c{.op = gated ? "gated" : "linear",
             .shape = shape_of({{"m", m}, {"n", n}, {"k", k}}),
             .dtype = dtype_name,
             .rows = m,
             .work = {.flops = matrices * 2.0 * static_cast<double>(m * n * k),
                      .bytes = settings.cold ? weight_bytes : 0},
             .prepare = {}};
      c.prepare = [=, n = n, k = k, cold = settings.cold, bias = settings.bias,
                   compute = settings.compute](Ops& ops) -> std::function<void()> {
        const Tensor x = input(ops, m, k);
        const auto all = copies<ops::PreparedWeight>(cold, weight_bytes, [&] {
          return gated ? ops.prepare_gated(w, w, compute) : ops.prepare_linear({&w, 1}, compute);
        });
        const ops::Vector b = bias ? input(ops, 1, n) : ops::Vector();
        return [=, &ops, next = size_t{0}]() mutable {
          const ops::PreparedWeight& w = all[next++ % all.size()];
          if (gated) {
            ops.gated_linear(x, {w, {}}, ops::Activation::kSilu);
          } else {
            ops.linear(x, {w, b});
          }
        };
      };
      cases.push_back(std::move(c));
    }
  }
}

// The experts of a layer of Qwen3-30B-A3B. Every row has eight of its own: calls take turns with
// rows of routes, so that a single row finds its experts in no cache.
void add_experts(const Settings& settings, const std::string& dtype_name,
                 std::vector<Case>& cases) {
  constexpr int64_t kHidden = 2048, kInner = 768, kExperts = 128, kChosen = 8, kTurns = 16;
  const auto weight_of = [&](int64_t n, int64_t k) {
    return is_packed(dtype_name) ? packed_weight(dtype_name, n, k)
                                 : weight(n, k, dtype_named(dtype_name));
  };
  const tensor::Weight gate = weight_of(kInner, kHidden), down = weight_of(kHidden, kInner);
  const double expert_bytes = static_cast<double>(2 * bytes_of(gate) + bytes_of(down));
  for (const int64_t m : settings.m) {
    std::mt19937 random(static_cast<uint32_t>(m));
    std::vector<std::vector<int32_t>> chosen(kTurns);
    int64_t distinct = 0;
    for (std::vector<int32_t>& of : chosen) {
      std::vector<int32_t> all(kExperts);
      std::iota(all.begin(), all.end(), 0);
      std::set<int32_t> seen;
      for (int64_t i = 0; i < m; ++i) {
        std::shuffle(all.begin(), all.end(), random);
        of.insert(of.end(), all.begin(), all.begin() + kChosen);
        seen.insert(all.begin(), all.begin() + kChosen);
      }
      distinct += std::ssize(seen);
    }
    Case c{.op = "experts",
           .shape = shape_of({{"m", m}, {"hidden", kHidden}, {"inner", kInner}, {"of", kExperts}}),
           .dtype = dtype_name,
           .rows = m,
           .work = {.flops = 6.0 * static_cast<double>(m * kChosen * kHidden * kInner),
                    .bytes = expert_bytes * static_cast<double>(distinct) / kTurns},
           .prepare = {}};
    c.prepare = [=, compute = settings.compute](Ops& ops) -> std::function<void()> {
      ops::Experts experts;
      for (int64_t i = 0; i < kExperts; ++i)
        experts.all.push_back({ops::GatedWeight{ops.prepare_gated(gate, gate, compute), {}},
                               {ops.prepare_linear({&down, 1}, compute), {}}});
      std::vector<ops::Routes> routes;
      for (const std::vector<int32_t>& of : chosen)
        routes.push_back({ops.upload_indices(of), input(ops, m, kChosen)});
      const Tensor x = input(ops, m, kHidden);
      return [=, &ops, next = size_t{0}]() mutable {
        ops.experts(x, routes[next++ % routes.size()], experts);
      };
    };
    cases.push_back(std::move(c));
  }
}

// One call of attention(): `texts` sequences of one length.
struct AttentionCase {
  std::string op, kind;
  int64_t length, texts;
  ops::AttentionShape shape;
  bool by_head = false, by_token = false;  // kinds of bias
  int64_t page_rows = 0;                   // all but the last keys of a text are in pages
};

// Relative positions with a bucket each up to 128, as DeBERTa has them.
ops::AttentionBias make_bias(Ops& ops, const AttentionCase& c) {
  if (!c.by_head && !c.by_token) return {};
  constexpr int64_t kReach = 128;
  std::vector<int32_t> bucket(2 * kReach + 1);
  std::iota(bucket.begin(), bucket.end(), 0);
  const int64_t buckets = 2 * kReach + 1, columns = c.shape.heads * buckets;
  ops::AttentionBias bias{.reach = kReach,
                          .buckets = buckets,
                          .bucket = ops.upload_indices(std::move(bucket)),
                          .by_head = {},
                          .by_query = {},
                          .by_key = {}};
  if (c.by_head) bias.by_head = input(ops, c.shape.heads, buckets);
  if (c.by_token) {
    bias.by_query = input(ops, c.length * c.texts, columns);
    bias.by_key = input(ops, c.length * c.texts, columns);
  }
  return bias;
}

// All pages of all texts, each text's in descending order, so that no two are neighbours.
ops::KeyPages make_pages(Ops& ops, const AttentionCase& c, int64_t columns) {
  if (c.page_rows == 0) return {};
  const int64_t each = (c.length - 1) / c.page_rows, total = each * c.texts;
  std::vector<int32_t> pages, offsets;
  for (int64_t p = total; p > 0; --p) pages.push_back(static_cast<int32_t>(p - 1));
  for (int64_t s = 0; s <= c.texts; ++s) offsets.push_back(static_cast<int32_t>(s * each));
  const std::vector<int32_t> cached(c.texts, static_cast<int32_t>(each * c.page_rows));
  return {.k = input(ops, total * c.page_rows, columns),
          .v = input(ops, total * c.page_rows, columns),
          .page_rows = c.page_rows,
          .pages = ops.upload_indices(std::move(pages)),
          .offsets = ops.upload_indices(std::move(offsets)),
          .cached = ops.upload_indices(cached)};
}

// The pairs of a query and a key it sees in a text.
double pairs_of(const AttentionCase& c) {
  double pairs = 0;
  for (int64_t p = 0; p < c.length; ++p) {
    const int64_t window = c.shape.window > 0 ? c.shape.window : c.length;
    const int64_t end = c.shape.causal ? p + 1 : std::min(c.length, p + window);
    pairs += static_cast<double>(end - std::max<int64_t>(0, p - window + 1));
  }
  return pairs;
}

Case attention_case(const AttentionCase& c) {
  const int64_t heads = c.shape.heads, d = c.shape.head_dim, columns = heads * d;
  Case made{
      .op = c.op,
      .shape = c.kind +
               shape_of({{"dim", d}, {"heads", heads}, {"length", c.length}, {"texts", c.texts}}),
      .dtype = "f32",
      .rows = c.length,
      .work = {.flops = 4.0 * pairs_of(c) * static_cast<double>(columns * c.texts), .bytes = 0},
      .prepare = {}};
  made.prepare = [=](Ops& ops) -> std::function<void()> {
    const ops::AttentionBias bias = make_bias(ops, c);
    const ops::KeyPages pages = make_pages(ops, c, columns);
    tensor::Rows rows;
    std::vector<int32_t> keys = {0};
    for (int64_t s = 0; s < c.texts; ++s) {
      for (int64_t i = 0; i < c.length; ++i) rows.index.push_back(static_cast<int32_t>(i));
      rows.offsets.push_back(static_cast<int32_t>(rows.index.size()));
      const int64_t paged = c.page_rows > 0 ? (c.length - 1) / c.page_rows * c.page_rows : 0;
      keys.push_back(keys.back() + static_cast<int32_t>(c.length - paged));
    }
    const tensor::SequenceRows queries = ops.upload_rows(rows);
    const tensor::Indices offsets = ops.upload_indices(keys);
    const Tensor qkv = input(ops, rows.count(), 3 * columns);
    const Tensor q = qkv.slice_columns(0, columns), k = qkv.slice_columns(columns, columns),
                 v = qkv.slice_columns(2 * columns, columns);
    return [=, &ops] { ops.attention(q, k, v, c.shape, queries, offsets, bias, pages); };
  };
  return made;
}

ops::AttentionShape attention_shape(int64_t heads, int64_t d, bool causal, int64_t window = 0) {
  return {heads, heads, d, 1 / std::sqrt(static_cast<float>(d)), causal, window};
}

// As many sequences of one length as make a batch of 2048 rows; heads as many as make 768 columns.
void add_attention(const Settings& settings, std::vector<Case>& cases) {
  for (const int64_t d : settings.head_dims) {
    for (const int64_t length : settings.lengths) {
      cases.push_back(attention_case(
          {.op = "attention",
           .kind = "",
           .length = length,
           .texts = std::max<int64_t>(1, 2048 / length),
           .shape = attention_shape(std::max<int64_t>(1, 768 / d), d, settings.causal)}));
    }
  }
}

// The local layers of ModernBERT beside its global ones, on long texts.
void add_windows(const Settings& settings, std::vector<Case>& cases) {
  for (const int64_t window : {0, 65}) {
    for (const int64_t length : {512, 1024, 2048, 4096, 8192}) {
      cases.push_back(attention_case({.op = window ? "window 65" : "window no",
                                      .kind = "",
                                      .length = length,
                                      .texts = 1,
                                      .shape = attention_shape(12, 64, settings.causal, window)}));
    }
  }
}

// What attention may have beside its products.
void add_kinds(const Settings& settings, std::vector<Case>& cases) {
  for (const int64_t length : settings.lengths) {
    AttentionCase plain{.op = "kinds",
                        .kind = "plain ",
                        .length = length,
                        .texts = std::max<int64_t>(1, 2048 / length),
                        .shape = attention_shape(12, 64, settings.causal)};
    AttentionCase capped = plain, by_head = plain, by_token = plain, paged = plain;
    capped.kind = "cap ";
    capped.shape.softcap = 50;
    by_head.kind = "by head ";
    by_head.by_head = true;
    by_token.kind = "by token ";
    by_token.by_token = true;
    paged.kind = "pages ";
    paged.page_rows = 16;
    for (const AttentionCase& c : {plain, capped, by_head, by_token, paged})
      cases.push_back(attention_case(c));
  }
}

tensor::DType cache_dtype_named(const std::string& name) {
  if (name == "fp8") return tensor::DType::kF8E4M3;
  if (name == "f32" || name == "bf16") return dtype_named(name);
  throw Error(ErrorCode::kInvalidArgument,
              "--dtype: '" + name + "' is none of: f32, bf16, fp8 (of cached)");
}

// A step of m texts that are written, with the heads of Qwen3-0.6B: a token each, against `length`
// keys before it, which lie in pages.
Case cached_case(int64_t m, int64_t d, int64_t length, const std::string& dtype_name, bool cold) {
  constexpr int64_t kHeads = 16, kKvHeads = 8, kPageRows = 16;
  const tensor::DType dtype = cache_dtype_named(dtype_name);
  const int64_t columns = kKvHeads * d, cached = length / kPageRows * kPageRows;
  const auto numbers = static_cast<double>(m * (cached + 1) * columns);
  const double bytes = 2 * numbers * static_cast<double>(tensor::size_of(dtype));
  Case c{.op = "cached",
         .shape = shape_of({{"m", m}, {"dim", d}, {"length", cached}}),
         .dtype = dtype_name,
         .rows = m,
         .work = {.flops = 4.0 * kHeads / kKvHeads * numbers, .bytes = cold ? bytes : 0},
         .prepare = {}};
  c.prepare = [=](Ops& ops) -> std::function<void()> {
    const AttentionCase texts{.op = {},
                              .kind = {},
                              .length = cached + 1,
                              .texts = m,
                              .shape = {},
                              .page_rows = kPageRows};
    std::vector<int32_t> rows(m * cached);
    std::iota(rows.begin(), rows.end(), 0);
    const tensor::Indices index = ops.upload_indices(rows);
    const auto copy = [&] {
      ops::KeyPages pages = make_pages(ops, texts, columns);
      for (Tensor* of : {&pages.k, &pages.v}) {
        const Tensor stored = ops.allocate_cache(m * cached, columns, dtype);
        ops.store_rows(*of, index, stored, index);
        *of = stored;
      }
      return pages;
    };
    const std::vector<ops::KeyPages> all = copies<ops::KeyPages>(cold, bytes, copy);
    tensor::Rows last;
    for (int64_t s = 0; s < m; ++s) {
      last.index.push_back(static_cast<int32_t>(cached));
      last.offsets.push_back(static_cast<int32_t>(s + 1));
    }
    const ops::AttentionShape shape{kHeads, kKvHeads, d, 1 / std::sqrt(static_cast<float>(d)),
                                    true};
    const tensor::SequenceRows queries = ops.upload_rows(last);
    const Tensor q = input(ops, m, kHeads * d), k = input(ops, m, columns),
                 v = input(ops, m, columns);
    return [=, &ops, next = size_t{0}]() mutable {
      ops.attention(q, k, v, shape, queries, queries.offsets, {}, all[next++ % all.size()]);
    };
  };
  return c;
}

void add_cached(const Settings& settings, const std::string& dtype_name, std::vector<Case>& cases) {
  for (const int64_t m : settings.m) {
    for (const int64_t d : settings.head_dims) {
      for (const int64_t length : settings.lengths)
        cases.push_back(cached_case(m, d, length, dtype_name, settings.cold));
    }
  }
}

// A query of 32 tokens against documents of 128 tokens, and against pages of 768 patches, of 128
// numbers each.
void add_max_sim(std::vector<Case>& cases) {
  struct Store {
    int64_t documents, tokens;
  };
  for (const Store store : {Store{1, 128}, {100, 128}, {10000, 128}, {1000, 768}}) {
    const int64_t documents = store.documents, tokens = store.tokens, m = 32, n = 128;
    const auto size = static_cast<double>(documents * tokens * n);
    Case c{.op = "max_sim",
           .shape = shape_of({{"m", m}, {"documents", documents}, {"tokens", tokens}, {"n", n}}),
           .dtype = "f32",
           .rows = documents,
           .work = {.flops = 2.0 * static_cast<double>(m) * size,
                    .bytes = documents >= 1000 ? 4 * size : 0},
           .prepare = {}};
    c.prepare = [=](Ops& ops) -> std::function<void()> {
      std::vector<float> values = numbers(tokens * n);  // the same document again and again
      values.resize(documents * tokens * n);
      for (size_t i = tokens * n; i < values.size(); ++i) values[i] = values[i - tokens * n];
      const Tensor q = input(ops, m, n), d = ops.upload(values, documents * tokens, n);
      std::vector<int32_t> offsets;
      for (int64_t i = 0; i <= documents; ++i) offsets.push_back(static_cast<int32_t>(i * tokens));
      return [=, &ops, bounds = ops.upload_indices(offsets)] { ops.max_sim(q, d, bounds); };
    };
    cases.push_back(std::move(c));
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
          const ops::Vector ones =
              ops.prepare_parameters(std::vector<float>(columns, 1.0f), 1, columns);
          const ops::NormWeight w{ops::NormWeight::Kind::kLayerNorm, ones, ones, 1e-6f};
          return [=, &ops] { ops.norm(x, w); };
        }
        const ops::RopeTable table{input(ops, 512, 32), input(ops, 512, 32)};
        std::vector<int32_t> positions(m);
        for (int64_t i = 0; i < m; ++i) positions[i] = static_cast<int32_t>(i % 512);
        return [=, &ops, at = ops.upload_indices(positions)] { ops.rope(x, 64, at, table); };
      };
      cases.push_back(std::move(c));
    }
  }
}

// An activation behind a linear layer that is almost nothing, k = 1.
void add_activations(const Settings& settings, std::vector<Case>& cases) {
  constexpr std::pair<const char*, ops::Activation> kActivations[] = {
      {"identity", ops::Activation::kIdentity},  {"gelu", ops::Activation::kGelu},
      {"gelu_tanh", ops::Activation::kGeluTanh}, {"relu", ops::Activation::kRelu},
      {"silu", ops::Activation::kSilu},          {"tanh", ops::Activation::kTanh},
      {"sigmoid", ops::Activation::kSigmoid}};
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
      const tensor::Weight w = weight(n, 1, tensor::DType::kF32);
      const ops::LinearWeight prepared{ops.prepare_linear({&w, 1}), {}};
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
    } else if (op == "experts") {
      for (const std::string& dtype : settings.dtypes) add_experts(settings, dtype, cases);
    } else if (op == "cached") {
      for (const std::string& dtype : settings.dtypes) add_cached(settings, dtype, cases);
    } else if (op == "attention") {
      add_attention(settings, cases);
    } else if (op == "window") {
      add_windows(settings, cases);
    } else if (op == "kinds") {
      add_kinds(settings, cases);
    } else if (op == "max_sim") {
      add_max_sim(cases);
    } else if (op == "norm" || op == "rope") {
      add_rowwise(settings, op, cases);
    } else if (op == "activation") {
      add_activations(settings, cases);
    } else {
      throw Error(
          ErrorCode::kInvalidArgument,
          "--op: '" + op +
              "' is none of: linear, gated, experts, attention, cached, window, kinds, max_sim, "
              "norm, rope, activation");
    }
  }
  return cases;
}

}  // namespace vecton::bench
