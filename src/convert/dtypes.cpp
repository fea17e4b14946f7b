#include "convert/dtypes.h"

namespace vecton::convert {

std::optional<tensor::DType> dtype_of(std::string_view name) {
  for (const tensor::DType type :
       {tensor::DType::kF32, tensor::DType::kF16, tensor::DType::kBF16}) {
    if (name == tensor::to_string(type)) return type;
  }
  return std::nullopt;
}

std::optional<tensor::DType> dtype_in(const json::object& config, std::string_view key) {
  const json::value* value = config.if_contains(key);
  return value && value->is_string() ? dtype_of(value->get_string()) : std::nullopt;
}

// What numbers are rounded to where no option says.
std::optional<tensor::DType> usual_dtype(Layout layout, const json::object& config) {
  if (layout == Layout::kMlxEmbeddings) return tensor::DType::kF16;
  if (const auto type = dtype_in(config, "torch_dtype")) return type;
  const json::value* text = config.if_contains("text_config");
  return text && text->is_object() ? dtype_in(text->get_object(), "dtype") : std::nullopt;
}

}  // namespace vecton::convert
