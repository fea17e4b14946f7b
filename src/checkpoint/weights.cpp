#include "checkpoint/weights.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "checkpoint/adapter.h"
#include "checkpoint/float_bytes.h"
#include "checkpoint/model_tensors.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/quantisation.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "checkpoint/shape.h"
#include "checkpoint/weight_files.h"
#include "checkpoint/weight_rows.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

// Tensors that old versions of PyTorch models saved although they are computed: never parameters,
// skipped everywhere.
constexpr std::string_view kBuffers[] = {
    "embeddings.position_ids", "embeddings.token_type_ids", "rotary_emb.inv_freq",
    "rotary_emb.cos_cached",   "rotary_emb.sin_cached",     "attention.masked_bias",
    "attn.masked_bias",
};

// `name` is `path` or lies below it.
bool is_under(std::string_view name, std::string_view path) {
  if (!name.starts_with(path)) return false;
  return path.empty() || path.back() == '.' || name.size() == path.size() ||
         name[path.size()] == '.';
}

bool is_buffer(std::string_view name) {
  return std::ranges::any_of(kBuffers, [&](std::string_view buffer) {
    return name == buffer ||
           (name.ends_with(buffer) && name[name.size() - buffer.size() - 1] == '.');
  });
}

// Whether a tensor's bytes are met for the first time: tied weights are several names of the same
// bytes in a torch file, and count once.
class FirstTime {
 public:
  bool operator()(const StoredTensor& tensor) {
    return tensor.bytes.empty() || seen_.insert(tensor.bytes.data()).second;
  }

 private:
  std::set<const std::byte*> seen_;
};

// Bytes of the file.
int64_t bytes_of(const StoredTensor& tensor) {
  return tensor.quantised ? tensor.quantised->bytes : static_cast<int64_t>(tensor.bytes.size());
}

std::string format_of(const StoredTensor& tensor) {
  return tensor.quantised ? tensor.quantised->format : std::string(tensor::to_string(tensor.dtype));
}

std::optional<tensor::DType> dtype_option(std::string_view name) {
  if (name == "auto") return std::nullopt;
  for (const tensor::DType type :
       {tensor::DType::kF32, tensor::DType::kF16, tensor::DType::kBF16}) {
    if (name == tensor::to_string(type)) return type;
  }
  throw Error(
      ErrorCode::kInvalidArgument,
      "dtype: " + quoted_text(name) + " is not known: expected auto, float32, float16 or bfloat16",
      "dtype");
}

}  // namespace

struct Weights::State {
  struct Entry {
    StoredTensor tensor;
    bool taken = false;  // read or skipped
    bool read = false;
  };
  std::map<std::string, Entry, std::less<>> entries;
  std::string where;  // the folder or file, for messages
  Ops& ops;
  std::optional<tensor::DType> keep_as;  // none = as stored

  std::vector<ops::PreparedWeight> prepared;
  int64_t file_bytes = 0, parameters = 0, parameter_bytes = 0, linear_bytes = 0,
          linear_parameters = 0;
  std::vector<std::function<void()>> releases;  // of tables
  std::set<tensor::DType> linear_dtypes;        // of dense ones
  std::function<void(int64_t)> kept = [](int64_t) {};
  std::set<std::string> formats;  // of quantised matrices, and of floats in ops::Compute::kInt8

  State(Tensors tensors, std::string name, Ops& o, std::string_view dtype)
      : where(std::move(name)), ops(o), keep_as(dtype_option(dtype)) {
    FirstTime first_time;
    for (auto& [key, tensor] : tensors) {
      if (first_time(tensor)) file_bytes += bytes_of(tensor);
      entries.emplace(key, Entry{std::move(tensor)});
    }
  }

  Entry* find(std::string_view name) {
    const auto place = entries.find(name);
    return place == entries.end() ? nullptr : &place->second;
  }

  const StoredTensor& take(const std::string& name, std::span<const int64_t> shape) {
    Entry* entry = find(name);
    if (!entry) throw Error(ErrorCode::kCorrupt, where + ": " + name + ": missing");
    const StoredTensor& tensor = entry->tensor;
    if (!std::ranges::equal(tensor.shape, shape)) {
      throw Error(ErrorCode::kCorrupt, title(tensor) + ": expected " + shape_text(shape) +
                                           ", found " + shape_text(tensor.shape));
    }
    if (!tensor::is_float(tensor.dtype)) {
      throw Error(ErrorCode::kUnsupported, title(tensor) + ": stored as " +
                                               std::string(tensor::to_string(tensor.dtype)) +
                                               ": expected float32, float16 or bfloat16");
    }
    if (!entry->taken) parameters += *shape_product(tensor.shape);
    entry->taken = entry->read = true;
    return tensor;
  }

  // The tensor with its bytes, where they have to be made first.
  static StoredTensor with_bytes(const StoredTensor& tensor) {
    if (!tensor.compute) return tensor;
    StoredTensor made = tensor;
    made.copy = std::make_shared<const std::vector<std::byte>>(tensor.compute());
    made.bytes = *made.copy;
    made.file = nullptr;
    return made;
  }

  // A matrix in the file's own bytes where they can be used as they are, else a converted or
  // aligned copy. What is quantised stays so; what became floats (act-order) counts as floats.
  tensor::Weight matrix(const std::string& name, int64_t rows, int64_t columns,
                        std::optional<tensor::DType> as) {
    const int64_t shape[] = {rows, columns};
    return matrix(name, shape, as);
  }

  // A dense matrix as floats of this type.
  static tensor::Weight converted(tensor::Weight weight, tensor::DType as) {
    if (weight.codes.dtype == as) return weight;
    const auto copy = std::make_shared<const std::vector<std::byte>>(
        convert_floats(weight.codes.dtype, as, weight.codes.bytes, weight.name));
    weight.release();
    weight.release = [] {};
    weight.codes.dtype = as;
    weight.codes.bytes = *copy;
    weight.keep = copy;
    return weight;
  }

  // All dimensions but the last are rows.
  tensor::Weight matrix(const std::string& name, std::span<const int64_t> shape,
                        std::optional<tensor::DType> as) {
    const StoredTensor tensor = with_bytes(take(name, shape));
    const int64_t columns = shape.back(), rows = *shape_product(shape.first(shape.size() - 1));
    if (tensor.quantised) {
      formats.insert(tensor.quantised->format);
      const tensor::Weight weight = tensor.quantised->weight();
      return as && weight.is_dense() ? converted(weight, *as) : weight;
    }
    tensor::Weight weight;
    weight.name = tensor.name;
    weight.codes.dtype = as.value_or(tensor.dtype);
    weight.rows = rows;
    weight.columns = columns;
    const auto release = [file = tensor.file, bytes = tensor.bytes] {
      if (file) file->release(bytes);
    };
    const bool aligned = reinterpret_cast<uintptr_t>(tensor.bytes.data()) %
                             static_cast<uintptr_t>(tensor::size_of(tensor.dtype)) ==
                         0;
    if (weight.codes.dtype == tensor.dtype && aligned) {
      weight.codes.bytes = tensor.bytes;
      weight.keep = tensor.copy;
      if (tensor.file) weight.keep = tensor.file;
      weight.release = release;
    } else {
      const auto copy = std::make_shared<const std::vector<std::byte>>(
          convert_floats(tensor.dtype, weight.codes.dtype, tensor.bytes, title(tensor)));
      release();
      weight.codes.bytes = *copy;
      weight.keep = copy;
    }
    return weight;
  }

  // All numbers of a tensor, row by row, widened to float32.
  std::vector<float> numbers(const std::string& name, std::initializer_list<int64_t> shape) {
    const StoredTensor tensor = with_bytes(take(name, std::span(shape.begin(), shape.size())));
    if (tensor.quantised) return dequantised(tensor.quantised->weight());
    return read_floats(tensor.dtype, tensor.bytes);
  }

  // What the backend makes of a matrix of codes.
  std::vector<float> dequantised(const tensor::Weight& weight) {
    const ops::PreparedWeight table = ops.prepare_table(weight);
    std::vector<int32_t> ids(static_cast<size_t>(weight.rows));
    std::iota(ids.begin(), ids.end(), 0);
    const Ops::Lookup lookup{*table, ops.upload_indices(std::move(ids))};
    std::vector<float> values(static_cast<size_t>(weight.rows * weight.columns));
    ops.download(ops.embed({&lookup, 1}), values);
    return values;
  }

  Tensor parameters_of(std::span<const float> values, int64_t rows, int64_t columns) {
    const auto bytes = static_cast<int64_t>(values.size_bytes());
    Tensor made = ops.prepare_parameters(values, rows, columns);
    parameter_bytes += bytes;
    kept(bytes);
    return made;
  }
  ops::Vector vector_of(std::span<const float> values) {
    return parameters_of(values, 1, static_cast<int64_t>(values.size()));
  }

  // The parts of one prepared matrix, each of the type asked for or its own.
  struct Part {
    std::string name;
    int64_t rows;
  };
  std::vector<tensor::Weight> matrices(std::span<const Part> parts, int64_t columns) {
    std::vector<tensor::Weight> result;
    for (const Part& part : parts) result.push_back(matrix(part.name, part.rows, columns, keep_as));
    return result;
  }

  ops::PreparedWeight count(ops::PreparedWeight made) {
    prepared.push_back(made);
    kept(made->bytes);
    return made;
  }
  ops::PreparedWeight count_linear(std::span<const tensor::Weight> parts, ops::PreparedWeight made,
                                   ops::Compute compute) {
    linear_bytes += made->bytes;
    for (const tensor::Weight& part : parts) {
      linear_parameters += part.rows * part.columns;
      if (compute == ops::Compute::kInt8 && part.is_dense())
        formats.insert("int8");
      else if (ops::rounds_to(compute) != tensor::DType::kF32)
        linear_dtypes.insert(ops::rounds_to(compute));
      else if (part.is_dense())
        linear_dtypes.insert(part.codes.dtype);
    }
    return count(std::move(made));
  }

  // Gives every tensor the name that `rename` makes of its present one.
  template <typename F>
  void rename_all(F rename) {
    std::map<std::string, Entry, std::less<>> renamed;
    for (auto& [name, entry] : entries) {
      std::string new_name = rename(name);
      if (const auto taken = renamed.find(new_name); taken != renamed.end()) {
        throw Error(ErrorCode::kCorrupt,
                    where + ": tensors " + name_text(taken->second.tensor.name) + " and " +
                        name_text(entry.tensor.name) + " are both read as " + name_text(new_name));
      }
      renamed.emplace(std::move(new_name), std::move(entry));
    }
    entries = std::move(renamed);
  }
};

Weights Weights::open(const std::filesystem::path& folder, Ops& ops, std::string_view dtype) {
  return open(folder, nullptr, nullptr, ops, dtype);
}

Weights Weights::open(const std::filesystem::path& folder, const Quantisation* quantisation,
                      const Adapter* adapter, Ops& ops, std::string_view dtype) {
  Weights weights;
  weights.state_ = std::make_shared<State>(model_tensors(folder, quantisation, adapter),
                                           folder.string(), ops, dtype);
  return weights;
}

Weights Weights::beside(const std::filesystem::path& folder, const std::string& name, Ops& ops) {
  Weights weights;
  weights.state_ = std::make_shared<State>(read_weights_beside(folder, name),
                                           (folder / name).string(), ops, "auto");
  return weights;
}

void Weights::rename_prefixes(std::span<const Rename> rules) {
  state_->rename_all([&](const std::string& name) {
    for (const Rename& rule : rules) {
      if (name.starts_with(rule.from)) return rule.to + name.substr(rule.from.size());
    }
    return name;
  });
}

void Weights::rename_parts(std::span<const Rename> rules) {
  state_->rename_all([&](std::string name) {
    for (const Rename& rule : rules) {
      for (size_t at = 0; (at = name.find(rule.from, at)) != std::string::npos;
           at += rule.to.size()) {
        name.replace(at, rule.from.size(), rule.to);
      }
    }
    return name;
  });
}

void Weights::skip(std::span<const std::string_view> prefixes) {
  for (auto& entry : state_->entries) {
    entry.second.taken |= std::ranges::any_of(
        prefixes, [&](std::string_view prefix) { return is_under(entry.first, prefix); });
  }
}

Weights Weights::operator/(std::string_view name) const {
  Weights below = *this;
  below.path_ += std::string(name) + ".";
  return below;
}

Weights Weights::operator/(int64_t index) const { return *this / std::to_string(index); }

Weights Weights::computing(ops::Compute compute) const {
  Weights same = *this;
  same.compute_ = compute;
  return same;
}

bool Weights::has(std::string_view name) const {
  return state_->find(path_ + std::string(name)) != nullptr;
}

bool Weights::has(std::string_view name, std::initializer_list<int64_t> shape) const {
  const State::Entry* entry = state_->find(path_ + std::string(name));
  return entry && std::ranges::equal(entry->tensor.shape, shape);
}

int64_t Weights::rows_of(std::string_view name) const {
  const State::Entry* entry = state_->find(path_ + std::string(name));
  if (!entry || entry->tensor.shape.empty()) {
    throw Error(ErrorCode::kCorrupt,
                state_->where + ": " + path_ + std::string(name) + ": missing");
  }
  return entry->tensor.shape.front();
}

tensor::Weight Weights::matrix(std::string_view name, int64_t rows, int64_t columns) const {
  return state_->matrix(path_ + std::string(name), rows, columns, state_->keep_as);
}

tensor::Weight Weights::stack(std::string_view name, int64_t count, int64_t rows,
                              int64_t columns) const {
  const int64_t shape[] = {count, rows, columns};
  return state_->matrix(path_ + std::string(name), shape, state_->keep_as);
}

std::vector<float> Weights::values(std::string_view name, int64_t rows, int64_t columns) const {
  const tensor::Weight weight = matrix(name, rows, columns);
  if (!weight.is_dense()) return state_->dequantised(weight);
  return read_floats(weight.codes.dtype, weight.codes.bytes);
}

std::vector<float> Weights::values(std::string_view name, int64_t size) const {
  const std::string full = path_ + std::string(name);
  return has(name, {1, 1, size}) ? state_->numbers(full, {1, 1, size})
                                 : state_->numbers(full, {size});
}

float Weights::number(std::string_view name) const {
  const std::string full = path_ + std::string(name);
  return (has(name, {}) ? state_->numbers(full, {}) : state_->numbers(full, {1})).at(0);
}

ops::Vector Weights::vector(std::string_view name, int64_t size) const {
  return state_->vector_of(values(name, size));
}

ops::LinearWeight Weights::linear(int64_t n, int64_t k, Bias bias) const {
  const State::Part part{path_ + "weight", n};
  const std::vector<tensor::Weight> weights = state_->matrices({&part, 1}, k);
  ops::LinearWeight result{.w = prepared(weights), .bias = {}};
  if (takes("bias", bias)) result.bias = vector("bias", n);
  return result;
}

ops::LinearWeight Weights::stacked(std::span<const std::pair<std::string, int64_t>> parts,
                                   int64_t k, Bias bias) const {
  std::vector<State::Part> names;
  std::vector<float> biases;
  bool any_bias = bias == Bias::kRequired;
  for (const auto& [name, n] : parts) {
    names.push_back({path_ + name + ".weight", n});
    any_bias |= bias == Bias::kIfPresent && has(name + ".bias");
  }
  const std::vector<tensor::Weight> weights = state_->matrices(names, k);
  ops::LinearWeight result{.w = prepared(weights), .bias = {}};
  if (!any_bias) return result;
  for (const auto& [name, n] : parts) {
    const bool here = bias == Bias::kRequired || has(name + ".bias");
    const std::vector<float> own =
        here ? values(name + ".bias", n) : std::vector<float>(static_cast<size_t>(n));
    biases.insert(biases.end(), own.begin(), own.end());
  }
  result.bias = state_->vector_of(biases);
  return result;
}

namespace {

std::vector<float> join(std::span<const float> a, std::span<const float> b) {
  std::vector<float> both(a.begin(), a.end());
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

}  // namespace

ops::PreparedWeight Weights::prepared(std::span<const tensor::Weight> parts) const {
  return state_->count_linear(parts, state_->ops.prepare_linear(parts, compute_), compute_);
}

ops::PreparedWeight Weights::prepared_gated(const tensor::Weight& gate,
                                            const tensor::Weight& up) const {
  const tensor::Weight parts[] = {gate, up};
  return state_->count_linear(parts, state_->ops.prepare_gated(gate, up, compute_), compute_);
}

bool Weights::takes(std::string_view name, Bias bias) const {
  return bias == Bias::kRequired || (bias == Bias::kIfPresent && has(name));
}

ops::LinearWeight Weights::linear_of(std::span<const tensor::Weight> parts,
                                     std::span<const float> bias) const {
  ops::LinearWeight made{.w = prepared(parts), .bias = {}};
  if (!bias.empty()) made.bias = state_->vector_of(bias);
  return made;
}

ops::GatedWeight Weights::gated_of(const tensor::Weight& gate, const tensor::Weight& up) const {
  return {.w = prepared_gated(gate, up), .bias = {}};
}

ops::LinearWeight Weights::linear_rows(int64_t begin, int64_t n, int64_t rows, int64_t k,
                                       Bias bias) const {
  const tensor::Weight part = row_slice(matrix("weight", rows, k), begin, n);
  if (!takes("bias", bias)) return linear_of(part);
  const std::vector<float> all = values("bias", rows);
  return linear_of(part,
                   std::span(all).subspan(static_cast<size_t>(begin), static_cast<size_t>(n)));
}

ops::GatedWeight Weights::gated(std::string_view gate, std::string_view up, int64_t n, int64_t k,
                                Bias bias) const {
  const Weights gate_path = *this / gate, up_path = *this / up;
  const State::Part parts[] = {{gate_path.path_ + "weight", n}, {up_path.path_ + "weight", n}};
  const std::vector<tensor::Weight> weights = state_->matrices(parts, k);
  ops::GatedWeight result{.w = prepared_gated(weights[0], weights[1]), .bias = {}};
  if (gate_path.takes("bias", bias)) {
    result.bias = state_->vector_of(join(gate_path.values("bias", n), up_path.values("bias", n)));
  }
  return result;
}

ops::GatedWeight Weights::gated_halves(int64_t n, int64_t k, Halves halves, Bias bias) const {
  const tensor::Weight whole = matrix("weight", 2 * n, k);
  const int64_t gate = halves == Halves::kGateFirst ? 0 : n, up = n - gate;
  ops::GatedWeight result = gated_of(row_slice(whole, gate, n), row_slice(whole, up, n));
  if (takes("bias", bias)) {
    const std::vector<float> stored = values("bias", 2 * n);
    const std::span<const float> both = stored;
    const auto count = static_cast<size_t>(n);
    result.bias = state_->vector_of(join(both.subspan(static_cast<size_t>(gate), count),
                                         both.subspan(static_cast<size_t>(up), count)));
  }
  return result;
}

ops::LinearWeight Weights::convolution(int64_t n, int64_t k, int64_t width) const {
  const std::vector<float> stored = state_->numbers(path_ + "weight", {n, k, width});
  std::vector<float> values(stored.size());
  size_t from = 0;
  for (int64_t row = 0; row < n; ++row) {
    for (int64_t column = 0; column < k; ++column) {
      for (int64_t tap = 0; tap < width; ++tap)
        values[static_cast<size_t>((row * width + tap) * k + column)] = stored[from++];
    }
  }
  return {.w = computed(std::move(values), n, width * k), .bias = vector("bias", n)};
}

ops::LinearWeight Weights::patches(int64_t n, int64_t channels, int64_t count, int64_t side,
                                   Bias bias) const {
  const bool flat = has("weight", {n, channels, side, side}),
             flat_last = has("weight", {n, side, side, channels}),
             first = has("weight", {n, channels, count, side, side});
  const bool last =
      !flat && !first && (flat_last || has("weight", {n, count, side, side, channels}));
  const std::string name = path_ + "weight";
  std::vector<float> values;
  if (count == 1 && (flat || flat_last)) {
    values = flat ? state_->numbers(name, {n, channels, side, side})
                  : state_->numbers(name, {n, side, side, channels});
  } else {
    values = last ? state_->numbers(name, {n, count, side, side, channels})
                  : state_->numbers(name, {n, channels, count, side, side});
  }
  const int64_t inner = count * side * side;
  if (last) {
    const std::vector<float> stored = values;
    size_t from = 0;
    for (int64_t i = 0; i < n * inner; ++i) {
      for (int64_t c = 0; c < channels; ++c)
        values[static_cast<size_t>((i / inner * channels + c) * inner + i % inner)] =
            stored[from++];
    }
  }
  ops::LinearWeight made{.w = computed(std::move(values), n, channels * inner), .bias = {}};
  if (takes("bias", bias)) made.bias = vector("bias", n);
  return made;
}

Tensor Weights::taps(int64_t n, int64_t width) const {
  const std::string name = path_ + "weight";
  const std::vector<float> stored = has("weight", {n, width, 1})
                                        ? state_->numbers(name, {n, width, 1})
                                        : state_->numbers(name, {n, 1, width});
  std::vector<float> values(stored.size());
  for (int64_t channel = 0; channel < n; ++channel) {
    for (int64_t tap = 0; tap < width; ++tap)
      values[static_cast<size_t>(tap * n + channel)] =
          stored[static_cast<size_t>(channel * width + tap)];
  }
  return state_->parameters_of(values, width, n);
}

Ops& Weights::ops() const { return state_->ops; }

ops::PreparedWeight Weights::computed(std::vector<float> values, int64_t n, int64_t k) const {
  const auto kept = std::make_shared<const std::vector<float>>(std::move(values));
  tensor::Weight weight;
  weight.name = path_ + "(computed)";
  weight.rows = n;
  weight.columns = k;
  weight.codes.bytes = std::as_bytes(std::span(*kept));
  weight.keep = kept;
  return in_float32().prepared({&weight, 1});
}

ops::PreparedWeight Weights::table(int64_t rows, int64_t columns) const {
  const tensor::Weight table = state_->matrix(path_ + "weight", rows, columns,
                                              std::nullopt);  // as stored: only rows are read
  state_->releases.push_back(table.release);
  return state_->count(state_->ops.prepare_table(table));
}

const std::vector<std::function<void()>>& Weights::table_releases() const {
  return state_->releases;
}

ops::PreparedWeight Weights::table_of_one_column(int64_t rows) const {
  const auto kept = std::make_shared<const std::vector<float>>(values("weight", rows));
  tensor::Weight table;
  table.name = path_ + "weight";
  table.rows = rows;
  table.columns = 1;
  table.codes.bytes = std::as_bytes(std::span(*kept));
  table.keep = kept;
  return state_->count(state_->ops.prepare_table(table));
}

ops::NormWeight Weights::layer_norm(int64_t size, double eps, Bias bias) const {
  return {ops::NormWeight::Kind::kLayerNorm, vector("weight", size),
          takes("bias", bias) ? vector("bias", size) : ops::Vector(), static_cast<float>(eps)};
}

ops::NormWeight Weights::rms_norm(int64_t size, double eps, float plus) const {
  std::vector<float> weight = values("weight", size);
  if (plus != 0) {
    for (float& value : weight) value += plus;
  }
  return {ops::NormWeight::Kind::kRmsNorm, state_->vector_of(weight), {}, static_cast<float>(eps)};
}

void Weights::check_taken() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : state_->entries) {
    if (!entry.taken && !is_buffer(name)) names.push_back(name_text(entry.tensor.name));
  }
  if (names.empty()) return;
  throw Error(
      ErrorCode::kCorrupt,
      state_->where + ": tensors that this architecture has no place for: " + names_text(names));
}

namespace {

// What wrappers of training leave in the middle of names.
constexpr std::string_view kWrapperParts[] = {"_orig_mod.", "_fsdp_wrapped_module.",
                                              "_checkpoint_wrapped_module."};

// encoder.layer.12 of encoder.layer.12.output.dense.weight: up to the first number.
std::string_view numbered_part(std::string_view name) {
  for (size_t at = 0; at < name.size();) {
    const size_t dot = std::min(name.find('.', at), name.size());
    const std::string_view part = name.substr(at, dot - at);
    if (!part.empty() && part.find_first_not_of("0123456789") == part.npos)
      return name.substr(0, dot);
    at = dot + 1;
  }
  return {};
}

}  // namespace

std::string Weights::unwrap(std::string_view anchor, std::span<const std::string_view> prefixes) {
  std::string removed;
  for (const std::string_view part : kWrapperParts) {
    const bool there = std::ranges::any_of(state_->entries, [&](const auto& entry) {
      return entry.first.find(part) != std::string::npos;
    });
    if (!there) continue;
    const Rename rule[] = {{std::string(part), ""}};
    rename_parts(rule);
    removed += (removed.empty() ? "" : ", ") + std::string(part);
  }
  std::vector<std::string> wrappers;
  for (const auto& [name, entry] : state_->entries) {
    const bool ends = name == anchor || name.ends_with("." + std::string(anchor));
    if (!ends) continue;
    std::string prefix = name.substr(0, name.size() - anchor.size());
    if (prefix.empty() || std::ranges::count(prefixes, prefix) > 0) return removed;
    const auto inner = std::ranges::find_if(prefixes, [&](std::string_view known) {
      return prefix.ends_with("." + std::string(known));
    });
    if (inner != prefixes.end()) prefix.resize(prefix.size() - inner->size());
    wrappers.push_back(std::move(prefix));
  }
  if (wrappers.empty()) return removed;
  if (wrappers.size() > 1) {
    throw Error(ErrorCode::kUnsupported,
                state_->where + ": several models in one file: " + name_text(wrappers[0]) +
                    " and " + name_text(wrappers[1]) + " begin the names of their tensors");
  }
  const Rename rule[] = {{wrappers.front(), ""}};
  rename_prefixes(rule);
  return removed + (removed.empty() ? "" : ", ") + name_text(wrappers.front());
}

std::vector<std::string> Weights::left_over() const {
  std::set<std::string_view> parts, numbered,
      lists;  // "encoder"; "encoder.layer.0"; "encoder.layer"
  for (const auto& [name, entry] : state_->entries) {
    if (!entry.read) continue;
    parts.insert(std::string_view(name).substr(0, name.find('.')));
    const std::string_view part = numbered_part(name);
    numbered.insert(part);
    lists.insert(part.substr(0, std::min(part.rfind('.'), part.size())));
  }
  std::vector<std::string> beside, inside;
  for (const auto& [name, entry] : state_->entries) {
    if (entry.taken || is_buffer(name)) continue;
    const std::string_view part = numbered_part(name);
    const std::string_view list = part.substr(0, std::min(part.rfind('.'), part.size()));
    const bool beyond = !part.empty() && lists.contains(list) && !numbered.contains(part);
    if (beyond) {
      const std::string layer = name_text(part);
      if (beside.empty() || beside.back() != layer) beside.push_back(layer);
    } else if (parts.contains(std::string_view(name).substr(0, name.find('.')))) {
      inside.push_back(name_text(entry.tensor.name));
    } else {
      beside.push_back(name_text(entry.tensor.name));
    }
  }
  if (!inside.empty()) {
    throw Error(
        ErrorCode::kCorrupt,
        state_->where + ": tensors that this architecture has no place for: " + names_text(inside));
  }
  return beside;
}

void Weights::watch(std::function<void(int64_t)> kept) { state_->kept = std::move(kept); }

int64_t Weights::file_bytes() const { return state_->file_bytes; }
int64_t Weights::parameters() const { return state_->parameters; }
int64_t Weights::prepared_bytes() const {
  int64_t bytes = state_->parameter_bytes;
  for (const ops::PreparedWeight& weight : state_->prepared) bytes += weight->bytes;
  return bytes;
}
int64_t Weights::linear_bytes() const { return state_->linear_bytes; }
int64_t Weights::linear_parameters() const { return state_->linear_parameters; }

std::string Weights::dtype() const {
  std::string names;
  for (const std::string& format : state_->formats) names += (names.empty() ? "" : "+") + format;
  for (const tensor::DType type : state_->linear_dtypes)
    names += (names.empty() ? "" : "+") + std::string(tensor::to_string(type));
  return names;
}

Weights::Summary Weights::summarize(const std::filesystem::path& folder,
                                    const Quantisation* quantisation) {
  Summary summary;
  std::map<std::string, Form> forms;
  std::set<std::string> quantised;
  FirstTime first_time;
  for (const auto& [name, tensor] : model_tensors(folder, quantisation, nullptr)) {
    const int64_t count = shape_product(tensor.shape).value_or(0);
    if (is_buffer(name) || !first_time(tensor)) continue;
    summary.parameters += count;
    summary.bytes += bytes_of(tensor);
    Form& form = forms[format_of(tensor)];
    form.name = format_of(tensor);
    form.parameters += count;
    form.bytes += bytes_of(tensor);
    if (!tensor.quantised) continue;
    form.kept_bytes += tensor.quantised->kept_bytes;
    quantised.insert(form.name);
  }
  for (auto& [name, form] : forms) summary.forms.push_back(std::move(form));
  std::ranges::stable_sort(summary.forms, std::greater<>(), &Form::parameters);
  summary.quantised = !quantised.empty();
  if (!summary.quantised && !summary.forms.empty()) summary.dtype = summary.forms.front().name;
  for (const std::string& name : quantised)
    summary.dtype += (summary.dtype.empty() ? "" : "+") + name;
  return summary;
}

}  // namespace vecton::checkpoint
