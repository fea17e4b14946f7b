// An adapter's tensors and the base's: which belong together, and their sum.
#include <cstring>
#include <functional>
#include <utility>

#include "base/files.h"
#include "checkpoint/adapter.h"
#include "checkpoint/float_bytes.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "checkpoint/shape.h"
#include "checkpoint/torch_file.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

enum class AdapterPart { kA, kB, kEmbeddingA, kEmbeddingB, kBiasOfB, kWhole };

struct Ending {
  std::string_view text;
  AdapterPart kind;
};
constexpr Ending kAdapterEndings[] = {
    {".lora_A.weight", AdapterPart::kA},
    {".lora_B.weight", AdapterPart::kB},
    {".lora_embedding_A", AdapterPart::kEmbeddingA},
    {".lora_embedding_B", AdapterPart::kEmbeddingB},
    {".lora_B.bias", AdapterPart::kBiasOfB},
};

// The two factors that are added to a module's weight, and what is added to its bias.
struct Product {
  const StoredTensor *a = nullptr, *b = nullptr, *bias = nullptr;
  bool embedding = false;
};

[[noreturn]] void fail(const StoredTensor& tensor, const std::string& message,
                       ErrorCode code = ErrorCode::kCorrupt) {
  throw Error(code, title(tensor) + ": " + message);
}

// The name without what PEFT's wrappers put into it.
std::string plain_name(std::string name) {
  if (name.starts_with("base_model.model.")) name.erase(0, std::strlen("base_model.model."));
  for (const std::string_view part :
       {".base_layer.", ".modules_to_save.default.", ".modules_to_save.", ".default."}) {
    const size_t at = name.find(part);
    if (at != name.npos) name.replace(at, part.size(), ".");
  }
  if (name.ends_with(".default")) name.erase(name.size() - std::strlen(".default"));
  return name;
}

Tensors read_tensors(const Adapter& adapter) {
  const std::filesystem::path safe = adapter.folder / kAdapterWeights[0];
  return base::is_file(safe) ? read_safetensors(safe)
                             : read_torch_file(adapter.folder / kAdapterWeights[1]);
}

// What the base calls the tensor that the adapter calls `name`: the same, or with the one part more
// or less that tells a class with a head ("bert.", "model.") from its backbone.
std::optional<std::string> base_name(const Tensors& base, const std::string& name) {
  if (base.contains(name)) return name;
  const std::string ending = "." + name;
  std::optional<std::string> found;
  for (const auto& [own, tensor] : base) {
    if (!own.ends_with(ending) || own.find('.') + ending.size() != own.size()) continue;
    if (found) return std::nullopt;
    found = own;
  }
  const std::string shorter = name.substr(name.find('.') + 1);
  if (!found && base.contains(shorter)) found = shorter;
  return found;
}

std::vector<float> floats_of(const StoredTensor& tensor) {
  if (tensor.quantised) {
    fail(tensor,
         "is quantised (" + tensor.quantised->format +
             "): an adapter is merged into weights of float32, float16 or bfloat16 only",
         ErrorCode::kUnsupported);
  }
  if (tensor.compute) return read_floats(tensor.dtype, tensor.compute());
  return read_floats(tensor.dtype, tensor.bytes);
}

std::vector<std::byte> bytes_of(const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// W + scale B A, with W [n, k], A [r, k], B [n, r].
std::vector<std::byte> add_product(const StoredTensor& base, const StoredTensor& a,
                                   const StoredTensor& b, float scale) {
  std::vector<float> w = floats_of(base);
  const std::vector<float> left = floats_of(b), right = floats_of(a);
  const auto n = static_cast<size_t>(b.shape[0]), r = static_cast<size_t>(a.shape[0]),
             k = static_cast<size_t>(a.shape[1]);
  std::vector<float> row(k);
  for (size_t i = 0; i < n; ++i) {
    std::fill(row.begin(), row.end(), 0.0f);
    for (size_t j = 0; j < r; ++j) {
      const float factor = left[i * r + j];
      for (size_t c = 0; c < k; ++c) row[c] += factor * right[j * k + c];
    }
    for (size_t c = 0; c < k; ++c) w[i * k + c] += scale * row[c];
  }
  return bytes_of(w);
}

// W + scale (B A)^T, with W [words, d], A [r, words], B [d, r].
std::vector<std::byte> add_to_table(const StoredTensor& base, const StoredTensor& a,
                                    const StoredTensor& b, float scale) {
  std::vector<float> w = floats_of(base);
  const std::vector<float> left = floats_of(b), right = floats_of(a);
  const auto d = static_cast<size_t>(b.shape[0]), r = static_cast<size_t>(a.shape[0]),
             words = static_cast<size_t>(a.shape[1]);
  for (size_t word = 0; word < words; ++word) {
    for (size_t c = 0; c < d; ++c) {
      float sum = 0;
      for (size_t j = 0; j < r; ++j) sum += left[c * r + j] * right[j * words + word];
      w[word * d + c] += scale * sum;
    }
  }
  return bytes_of(w);
}

std::vector<std::byte> add_scaled(const StoredTensor& base, const StoredTensor& more, float scale) {
  std::vector<float> values = floats_of(base);
  const std::vector<float> added = floats_of(more);
  for (size_t i = 0; i < values.size(); ++i) values[i] += scale * added[i];
  return bytes_of(values);
}

void expect_shape(const StoredTensor& tensor, const std::vector<int64_t>& shape) {
  if (tensor.shape != shape)
    fail(tensor, "expected " + shape_text(shape) + ", found " + shape_text(tensor.shape));
}

void check_floats(const StoredTensor& tensor) {
  if (tensor::is_float(tensor.dtype)) return;
  fail(tensor,
       "stored as " + std::string(tensor::to_string(tensor.dtype)) +
           ": expected float32, float16 or bfloat16",
       ErrorCode::kUnsupported);
}

StoredTensor& tensor_of_base(Tensors& base, const std::string& name, const StoredTensor& adapted) {
  const std::optional<std::string> own = base_name(base, name);
  if (!own) fail(adapted, "the base model has no tensor " + name_text(name) + " to add it to");
  StoredTensor& tensor = base.at(*own);
  check_floats(tensor);
  return tensor;
}

// `tensor` becomes what `compute` makes of what it was.
void become(StoredTensor& tensor, std::function<std::vector<std::byte>(const StoredTensor&)> sum) {
  StoredTensor before = tensor;
  tensor.dtype = tensor::DType::kF32;
  tensor.compute = [before = std::move(before), sum = std::move(sum)] { return sum(before); };
}

void merge_product(Tensors& base, const std::string& module, const Product& product,
                   const Adapter& adapter) {
  const StoredTensor *a = product.a, *b = product.b;
  if (!a && !b) fail(*product.bias, "what it is the bias of, lora_A and lora_B, is missing");
  if (!a || !b)
    fail(a ? *a : *b, std::string("its other half, lora_") + (a ? "B" : "A") + ", is missing");
  for (const StoredTensor* factor : {a, b}) {
    check_floats(*factor);
    if (factor->shape.size() != 2 || factor->shape[0] < 1 || factor->shape[1] < 1)
      fail(*factor,
           "only LoRA on linear layers and embeddings is merged: expected a matrix, found " +
               shape_text(factor->shape),
           ErrorCode::kUnsupported);
  }
  const int64_t rank = a->shape[0], outputs = b->shape[0], inputs = a->shape[1];
  expect_shape(*b, {outputs, rank});
  const auto scale = static_cast<float>(adapter.scale(module, rank));
  StoredTensor& weight = tensor_of_base(base, module + ".weight", *a);
  const bool table = product.embedding;
  const std::vector<int64_t> shape =
      table ? std::vector{inputs, outputs} : std::vector{outputs, inputs};
  if (weight.shape != shape) {
    fail(*a, "with its other half it is for a weight " + shape_text(shape) + ", the base's is " +
                 shape_text(weight.shape));
  }
  become(weight, [a = *a, b = *b, scale, table](const StoredTensor& before) {
    return table ? add_to_table(before, a, b, scale) : add_product(before, a, b, scale);
  });
  if (!product.bias) return;
  check_floats(*product.bias);
  StoredTensor& bias = tensor_of_base(base, module + ".bias", *product.bias);
  expect_shape(*product.bias, bias.shape);
  become(bias, [more = *product.bias, scale](const StoredTensor& before) {
    return add_scaled(before, more, scale);
  });
}

void put_whole(Tensors& base, const std::string& name, StoredTensor tensor) {
  const std::optional<std::string> own = base_name(base, name);
  base.insert_or_assign(own.value_or(name), std::move(tensor));
}

}  // namespace

Tensors merge_adapter(Tensors base, const Adapter& adapter) {
  const Tensors own = read_tensors(adapter);
  std::map<std::string, Product> products;
  for (const auto& [key, tensor] : own) {
    const std::string name = plain_name(key);
    AdapterPart kind = AdapterPart::kWhole;
    std::string module;
    for (const Ending& ending : kAdapterEndings) {
      if (!name.ends_with(ending.text)) continue;
      kind = ending.kind;
      module = name.substr(0, name.size() - ending.text.size());
    }
    if (kind == AdapterPart::kWhole) {
      const bool other =
          name.find("lora_") != name.npos || name.find("trainable_tokens") != name.npos;
      if (other)
        fail(tensor,
             "is of a method that is not merged (base model " + quoted_text(adapter.base) + ")",
             ErrorCode::kUnsupported);
      put_whole(base, name, tensor);
      continue;
    }
    Product& product = products[module];
    product.embedding |= kind == AdapterPart::kEmbeddingA || kind == AdapterPart::kEmbeddingB;
    const StoredTensor*& place = kind == AdapterPart::kBiasOfB ? product.bias
                                 : kind == AdapterPart::kA || kind == AdapterPart::kEmbeddingA
                                     ? product.a
                                     : product.b;
    if (place) fail(tensor, "is there twice, as " + name_text(place->name) + " too");
    place = &tensor;
  }
  for (const auto& [module, product] : products) merge_product(base, module, product, adapter);
  return base;
}

}  // namespace vecton::checkpoint
