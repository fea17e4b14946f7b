// Model: a family's forward pass over one packed batch. Immutable after load, thread-safe, ignorant
// of tasks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ops/ops.h"
#include "tensor/batch.h"
#include "tensor/cache.h"
#include "tensor/image.h"

namespace vecton::models {

// What the engine must know of a model before and after its weights are read.
struct ModelShape {
  int64_t layers = 0, hidden = 0, vocab = 0, max_positions = 0;
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
  int64_t token_types = 0;  // rows of their table; with 0 or 1 the types of tokens change nothing
  bool causal = false;
  // A sequence has one row, whatever is asked for: forward() pools, and the last token stands for
  // it (CLIP, SigLIP).
  bool pooled = false;
  // Every text is read with the tokenizer's padding up to so many tokens, as such models were
  // trained (SigLIP); 0 = none is.
  int64_t padded_to = 0;
  std::vector<int64_t> windows;  // AttentionShape::window of each layer; empty = none has one
  // Sequences of more tokens than this turn otherwise from their first position on (LongRoPE): what
  // is kept of one stands for the beginning of those that turn alike, and batches say how long
  // their sequences will be (tensor::Batch::lengths); 0 = all turn alike.
  int64_t long_after = 0;
  // What each layer keeps of earlier tokens; empty = keys and values, as the numbers above say.
  tensor::CacheLayout cache;
};

// What the layers of such a model keep of earlier tokens; empty where nothing can be kept.
tensor::CacheLayout cache_layout(const ModelShape& shape);

// What a model that was trained on pairs makes of the cosine of two vectors: the logit scale cos +
// bias, and the score that it is of a pair alone: its sigmoid (SigLIP), or the cosine, where only
// the softmax over several texts is a probability (CLIP).
struct PairLogits {
  double scale = 1, bias = 0;
  bool sigmoid = false;
};

class Model {
 public:
  virtual ~Model() = default;

  virtual std::optional<PairLogits> pair_logits() const { return std::nullopt; }

  // Hidden states after the last norm of the wanted rows, [batch.wanted.count(), hidden]. The last
  // layer computes keys and values of every row and all else of the wanted rows only. Ids,
  // types and positions are in range, every sequence has a row. `cache`: null, or one of the
  // model's layout, which the batch's block tables and slot mappings speak of; what they say is to
  // be kept is written to it.
  virtual Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const = 0;

  // Of models that read images: what stands for each in Batch::images, the rows of all of them end
  // to end, as many for each as its processor says that it has tokens. Images do not see each
  // other. Others throw (kUnsupported).
  virtual Tensor encode_images(Ops& ops, std::span<const tensor::Image* const> images) const;
};

}  // namespace vecton::models
