// BertEncoder: BERT's forward pass, for the families that share it under other spellings: BERT,
// RoBERTa, DistilBERT, ELECTRA, Jina. A family's file reads the parts from its checkpoint.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/model.h"
#include "nn/post_norm.h"
#include "nn/rope.h"
#include "nn/token_embedding.h"

namespace vecton {

struct BertLayer {
  nn::PostNormAttention attention;
  nn::PostNormMlp mlp;
};

struct BertParts {
  nn::TokenEmbedding embedding;
  NormWeight embedding_norm;
  std::optional<LinearWeight> projection;  // from the width of the embeddings to that of the layers
  std::unique_ptr<const nn::Rope> rope;    // null = positions of the table
  std::vector<BertLayer> layers;
};

class BertEncoder final : public Model {
 public:
  explicit BertEncoder(BertParts parts) : parts_(std::move(parts)) {}
  Tensor forward(Ops& ops, const Batch& batch) const override;

 private:
  BertParts parts_;
};

// Sizes under the keys of BERT's config.json.
ModelShape bert_shape(const Config& config);

// 1 / sqrt(head_dim), all keys seen.
AttentionShape bert_attention(const ModelShape& shape);

// Words, types and norm of `embeddings` with BERT's names, of `width` columns.
BertParts bert_embeddings(const ModelShape& shape, const Weights& embeddings, int64_t width,
                          double eps);

// encoder.layer.N with BERT's names.
std::vector<BertLayer> bert_layers(const Config& config, const Weights& layers,
                                   const ModelShape& shape, double eps);

}  // namespace vecton
