#include "checkpoint/gguf/tensors.h"

#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "checkpoint/float_bytes.h"
#include "checkpoint/gguf/blocks.h"
#include "checkpoint/gguf/config.h"
#include "checkpoint/gguf/names.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/parts.h"
#include "checkpoint/shape.h"

namespace vecton::checkpoint {

namespace {

std::optional<tensor::DType> float_type(gguf::TensorType type) {
  switch (type) {
    case gguf::TensorType::kF32:
      return tensor::DType::kF32;
    case gguf::TensorType::kF16:
      return tensor::DType::kF16;
    case gguf::TensorType::kBF16:
      return tensor::DType::kBF16;
    default:
      return std::nullopt;
  }
}

using Row = std::function<int64_t(int64_t)>;
using Bytes = std::vector<std::byte>;

// The tensor's numbers, float32.
std::vector<float> floats_of(const StoredTensor& tensor) {
  return read_floats(tensor.dtype, tensor.bytes);
}

Bytes bytes_of(std::span<const float> floats) {
  const auto bytes = std::as_bytes(floats);
  return {bytes.begin(), bytes.end()};
}

// Where row `i` of a head whose columns turn with those half a head apart lies in the file, in
// which neighbours turn together.
Row interleaved_rows(const StoredTensor& tensor, int64_t heads) {
  const int64_t rows = tensor.shape.empty() ? 0 : tensor.shape.front();
  if (heads < 1 || rows % (2 * heads) != 0) {
    fail(tensor, "expected " + std::to_string(heads) + " heads of an even number of rows, found " +
                     std::to_string(rows) + " rows");
  }
  const int64_t head = rows / heads;
  return [head](int64_t i) {
    const int64_t in_head = i % head, half = head / 2;
    return i - in_head + 2 * (in_head % half) + in_head / half;
  };
}

// So many rows of a tensor of `all`, each where `row` says.
void set_rows(const Row& row, int64_t count, int64_t all, StoredTensor& tensor) {
  const size_t size = tensor.bytes.size() / static_cast<size_t>(all);
  tensor.compute = [before = tensor, row, count, size] {
    Bytes made(static_cast<size_t>(count) * size);
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(made.data() + static_cast<size_t>(i) * size,
                  before.bytes.data() + static_cast<size_t>(row(i)) * size, size);
    }
    if (before.file) before.file->release(before.bytes);
    return made;
  };
  tensor.bytes = tensor.bytes.first(static_cast<size_t>(count) * size);  // to be counted
}

void subtract_one(StoredTensor& tensor) {
  tensor.compute = [before = tensor] {
    std::vector<float> numbers = floats_of(before);
    for (float& number : numbers) number -= 1;
    return bytes_of(numbers);
  };
  tensor.dtype = tensor::DType::kF32;
}

void take_log_of_minus(StoredTensor& tensor) {
  tensor.compute = [before = tensor] {
    std::vector<float> numbers = floats_of(before);
    for (float& number : numbers) {
      if (!(number < 0)) fail(before, "expected numbers below 0");
      number = std::log(-number);
    }
    return bytes_of(numbers);
  };
  tensor.dtype = tensor::DType::kF32;
}

void put_rows_before(int64_t count, StoredTensor& tensor) {
  if (tensor.shape.size() != 2 || tensor.shape[0] < count) {
    fail(tensor, "expected a matrix of at least " + std::to_string(count) +
                     " rows, as many as lie before them");
  }
  tensor.compute = [before = tensor, count] {
    const size_t row = before.bytes.size() / static_cast<size_t>(before.shape[0]);
    Bytes made(static_cast<size_t>(count) * row);
    made.insert(made.end(), before.bytes.begin(), before.bytes.end());
    return made;
  };
  tensor.shape[0] += count;
}

// The score of a text is what it has of the first beyond the second.
void take_difference(StoredTensor& tensor) {
  if (tensor.shape.size() != 2 || tensor.shape[0] != 2)
    fail(tensor, "expected two rows, of yes and no, found " + shape_text(tensor.shape));
  tensor.compute = [before = tensor] {
    std::vector<float> numbers = floats_of(before);
    const size_t count = numbers.size() / 2;
    for (size_t i = 0; i < count; ++i) numbers[i] -= numbers[count + i];
    numbers.resize(count);
    return bytes_of(numbers);
  };
  tensor.shape[0] = 1;
  tensor.dtype = tensor::DType::kF32;
}

void put_dimension_between(StoredTensor& tensor) {
  if (tensor.shape.size() == 2) tensor.shape.insert(tensor.shape.begin() + 1, 1);
}

// The file leaves the last dimensions out where they are 1.
void make_one_row(StoredTensor& tensor) {
  if (tensor.shape.size() == 1) tensor.shape.insert(tensor.shape.begin(), 1);
}

// Changes of numbers, which need floats.
bool needs_floats(GgufChange change) {
  switch (change) {
    case GgufChange::kMinusOne:
    case GgufChange::kLogOfMinus:
    case GgufChange::kAfterPadding:
    case GgufChange::kTaps:
    case GgufChange::kFirstMinusSecond:
      return true;
    default:
      return false;
  }
}

class Reader {
 public:
  explicit Reader(const gguf::File& file) : file_(file), architecture_(gguf_architecture(file)) {}

  Tensors read() const {
    Tensors tensors;
    for (const gguf::Tensor& tensor : file_.tensors()) {
      const auto name = checkpoint_name(architecture_, tensor.name);
      if (name && name->name.empty()) continue;
      if (!name && (add_parts(tensor, tensors) || add_halves(tensor, tensors))) continue;
      add(tensor, name.value_or(GgufName{std::string(tensor.name)}), tensors);
    }
    return tensors;
  }

  // One layer under the names that a module's own file has.
  Tensors read_layer(std::string_view name) const {
    Tensors tensors;
    for (const char* ending : {".weight", ".bias"}) {
      if (const gguf::Tensor* tensor = file_.tensor(std::string(name) + ending))
        tensors.emplace(std::string("linear") + ending, stored(*tensor, GgufChange::kNone));
    }
    return tensors;
  }

 private:
  void add(const gguf::Tensor& tensor, const GgufName& name, Tensors& tensors) const {
    put(stored(tensor, name.change), name.name, tensors);
  }

  static void put(const StoredTensor& stored, const std::string& name, Tensors& tensors) {
    if (!tensors.emplace(name, stored).second)
      fail(stored, "another tensor is " + name_text(name) + " already");
  }

  // Files may keep queries, keys and values of a layer under each other where its checkpoint does
  // not. False where the tensor is none of these.
  bool add_parts(const gguf::Tensor& tensor, Tensors& tensors) const {
    constexpr std::string_view kAll = ".attn_qkv.";
    const size_t at = tensor.name.find(kAll);
    if (at == tensor.name.npos || tensor.shape.empty()) return false;
    const int64_t heads = this->heads("head_count", "head_count"),
                  kv = this->heads("head_count_kv", "head_count");
    check_rows(tensor);
    const int64_t rows = tensor.shape.front();
    if (rows % (heads + 2 * kv) != 0) {
      file_.fail(tensor.name, "expected the rows of " + std::to_string(heads) +
                                  " heads and twice " + std::to_string(kv) + ", found " +
                                  std::to_string(rows));
    }
    const int64_t head = rows / (heads + 2 * kv);
    const size_t row_bytes = tensor.bytes.size() / static_cast<size_t>(rows);
    size_t begin = 0;
    for (const auto& [own, count] :
         {std::pair{".attn_q.", heads}, {".attn_k.", kv}, {".attn_v.", kv}}) {
      const std::string part = std::string(tensor.name).replace(at, kAll.size(), own);
      const auto name = checkpoint_name(architecture_, part);
      if (!name) return false;
      gguf::Tensor slice = tensor;
      slice.shape.front() = count * head;
      const size_t bytes = static_cast<size_t>(count * head) * row_bytes;
      slice.bytes = tensor.bytes.subspan(begin, bytes);
      begin += bytes;
      add(slice, *name, tensors);
    }
    return true;
  }

  // Files may keep the gate of each expert over its up. False where the tensor is none of these.
  bool add_halves(const gguf::Tensor& tensor, Tensors& tensors) const {
    constexpr std::string_view kBoth = ".ffn_gate_up_exps.weight";
    const size_t at = tensor.name.find(kBoth);
    if (at == tensor.name.npos) return false;
    int64_t half = 0;
    for (const char* own : {".ffn_gate_exps.weight", ".ffn_up_exps.weight"}) {
      const std::string part = std::string(tensor.name).replace(at, kBoth.size(), own);
      const auto name = checkpoint_name(architecture_, part);
      if (!name) return false;
      put(half_of_experts(tensor, half++), name->name, tensors);
    }
    return true;
  }

  // The first rows of each expert's, or the others.
  StoredTensor half_of_experts(const gguf::Tensor& tensor, int64_t half) const {
    StoredTensor stored = described(tensor);
    if (stored.shape.size() != 3 || stored.shape[1] % 2 != 0)
      fail(stored, "expected experts with as many rows of gate as of up, found " +
                       shape_text(stored.shape));
    const int64_t rows = stored.shape[1], width = rows / 2, experts = stored.shape[0];
    const Row row = [=](int64_t i) { return i / width * rows + half * width + i % width; };
    stored.shape[1] = width;
    if (const std::optional<tensor::DType> type = float_type(tensor.type)) {
      stored.dtype = *type;
      stored.file = tensor.file;
      set_rows(row, experts * width, experts * rows, stored);
      return stored;
    }
    gguf::Tensor part = tensor;
    part.shape = stored.shape;
    stored.quantised = gguf_blocks(part, row);
    return stored;
  }

  int64_t heads(std::string_view key, std::string_view otherwise) const {
    const std::string prefix = std::string(file_.text("general.architecture")) + ".attention.";
    const std::string wanted = prefix + std::string(key);
    return file_.integer(file_.has(wanted) ? wanted : prefix + std::string(otherwise), 1,
                         int64_t{1} << 31);
  }

  Row rows(const StoredTensor& tensor, GgufChange change) const {
    if (change == GgufChange::kHeadRows)
      return interleaved_rows(tensor, heads("head_count", "head_count"));
    if (change == GgufChange::kKvHeadRows)
      return interleaved_rows(tensor, heads("head_count_kv", "head_count"));
    return {};
  }

  static StoredTensor described(const gguf::Tensor& tensor) {
    StoredTensor stored;
    stored.name = std::string(tensor.name);
    stored.source = tensor.source;
    stored.shape = tensor.shape;
    stored.bytes = tensor.bytes;
    if (stored.bytes.empty()) fail(stored, "has no numbers");
    return stored;
  }

  // Rows of a tensor can be taken apart or put in another order: blocks of codes lie along one.
  static void check_rows(const gguf::Tensor& tensor) {
    const StoredTensor stored = described(tensor);
    if (float_type(tensor.type) || stored.shape.size() == 2) return;
    fail(stored, "stored as " + gguf::type_name(static_cast<uint32_t>(tensor.type)) +
                     ": expected a matrix, found " + shape_text(stored.shape));
  }

  StoredTensor stored(const gguf::Tensor& tensor, GgufChange change) const {
    StoredTensor stored = described(tensor);
    if (change == GgufChange::kOneRow) make_one_row(stored);
    const Row row = rows(stored, change);
    if (const std::optional<tensor::DType> type = float_type(tensor.type)) {
      stored.dtype = *type;
      stored.file = tensor.file;
      if (row) set_rows(row, stored.shape.front(), stored.shape.front(), stored);
      if (change == GgufChange::kMinusOne) subtract_one(stored);
      if (change == GgufChange::kLogOfMinus) take_log_of_minus(stored);
      if (change == GgufChange::kAfterPadding)
        put_rows_before(gguf_positions_before(file_), stored);
      if (change == GgufChange::kTaps) put_dimension_between(stored);
      if (change == GgufChange::kFirstMinusSecond) take_difference(stored);
      return stored;
    }
    if (needs_floats(change)) {
      fail(stored,
           "stored as " + gguf::type_name(static_cast<uint32_t>(tensor.type)) +
               ": expected F32, F16 or BF16",
           ErrorCode::kUnsupported);
    }
    if (row) check_rows(tensor);
    stored.quantised = gguf_blocks(tensor, row);
    return stored;
  }

  const gguf::File& file_;
  std::string_view architecture_;
};

}  // namespace

Tensors gguf_tensors(const gguf::File& file) { return Reader(file).read(); }

Tensors gguf_layer(const gguf::File& file, std::string_view name) {
  return Reader(file).read_layer(name);
}

}  // namespace vecton::checkpoint
