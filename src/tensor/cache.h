// The cache: what a forward pass keeps of earlier tokens for those that come after them, layer by
// layer. Models say what each of their layers keeps (LayerCache); ops/cache.h makes room for it; a
// forward pass reads and writes it through block tables (tensor/batch.h). Who owns which page is
// the engine's business.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "tensor/tensor.h"

namespace vecton::tensor {

// Keys with their norm and rotation, and values: a row per token, in pages. A layer with a window
// never reads what lies further back.
struct KeysAndValues {
  int64_t kv_heads = 0, key_dim = 0, value_dim = 0;  // dims of a head
  int64_t window = 0;                                // AttentionShape::window; 0 = all
  bool operator==(const KeysAndValues&) const = default;
};

// Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434): the part of the key that turns, and
// one compressed row per token, which all heads share.
struct Latent {
  int64_t rank = 0, rope_dim = 0;
  bool operator==(const Latent&) const = default;
};

// Recurrent layers and short convolutions: numbers of a fixed size per sequence, in a slot: the
// last rows that a convolution has read, and `state` numbers that are computed anew for each token.
struct RecurrentState {
  int64_t rows = 0, columns = 0;
  int64_t state = 0;
  bool operator==(const RecurrentState&) const = default;
};

// A layer that reads what another one has kept.
struct SharedWith {
  int64_t layer = 0;
  bool operator==(const SharedWith&) const = default;
};

using LayerCache = std::variant<KeysAndValues, Latent, RecurrentState, SharedWith>;

// What a model's layers keep, in order; empty = nothing can be kept.
using CacheLayout = std::vector<LayerCache>;

// Layers that see equally far back and share a block table. A page holds rows of all layers of one
// group, whichever that is: groups have equally many layers, but for the last of a kind.
struct CacheGroup {
  int64_t window = 0;           // KeysAndValues::window
  std::vector<int64_t> layers;  // ascending
};

// As many layers a group as the rarest kind has: of 15 layers with a window and 3 without, six
// groups of three. Kinds are in the order in which the layers have them. Layers that keep no rows
// (RecurrentState, SharedWith) are in none.
std::vector<CacheGroup> cache_groups(const CacheLayout& layout);

struct Cache {
  int64_t page_rows = 0;
  struct Layer {
    // [pages * page_rows, kv_heads * dim]; shared with a layer of each group. Latent: both are the
    // same [.., rope_dim + rank]. SharedWith: none.
    Tensor k, v;
    int64_t group = 0;  // whose block table it reads by
    // RecurrentState: [slots * rows, columns] and [slots, state]. Slot 0 is that before any token.
    Tensor conv, state;
  };
  std::vector<Layer> layers;  // empty = there is no cache
  int64_t groups = 0;
  // Of k and v. Where it is narrower than float32 attention reads all keys and values rounded to
  // it, kept or not, and even where no layer has pages.
  DType dtype = DType::kF32;
};

}  // namespace vecton::tensor
