#include "models/model.h"

#include "vecton/error.h"

namespace vecton::models {

tensor::CacheLayout cache_layout(const ModelShape& shape) {
  if (!shape.causal) return {};
  if (!shape.cache.empty()) return shape.cache;
  tensor::CacheLayout layout;
  for (int64_t i = 0; i < shape.layers; ++i) {
    layout.push_back(tensor::KeysAndValues{
        .kv_heads = shape.kv_heads,
        .key_dim = shape.head_dim,
        .value_dim = shape.head_dim,
        .window = shape.windows.empty() ? 0 : shape.windows[static_cast<size_t>(i)]});
  }
  return layout;
}

Tensor Model::encode_images(Ops&, std::span<const tensor::Image* const>) const {
  throw Error(ErrorCode::kUnsupported, "this model reads no images");
}

}  // namespace vecton::models
