// BertEncoder: BERT's forward pass, for the families that share it under other spellings: BERT,
// RoBERTa, DistilBERT, ELECTRA, Jina. A family's file reads the parts from its checkpoint.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/model.h"
#include "nn/post_norm.h"
#include "nn/rope.h"
#include "nn/token_embedding.h"

namespace vecton::models {

struct BertLayer {
  nn::PostNormAttention attention;
  nn::PostNormMlp mlp;
};

struct BertParts {
  nn::TokenEmbedding embedding;
  ops::NormWeight embedding_norm;
  std::optional<ops::LinearWeight>
      projection;                        // from the width of the embeddings to that of the layers
  std::unique_ptr<const nn::Rope> rope;  // null = positions of the table
  std::vector<BertLayer> layers;
};

class BertEncoder final : public Model {
 public:
  explicit BertEncoder(BertParts parts) : parts_(std::move(parts)) {}
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  BertParts parts_;
};

// What a checkpoint calls the parts that are BERT's; here BERT's own names.
struct BertSpelling {
  // Keys of config.json.
  std::string_view layers = "num_hidden_layers", hidden = "hidden_size",
                   heads = "num_attention_heads", positions = "max_position_embeddings",
                   intermediate = "intermediate_size", activation = "hidden_act";
  // Tensors of a layer.
  std::string_view query = "attention.self.query", key = "attention.self.key",
                   value = "attention.self.value", out = "attention.output.dense",
                   attention_norm = "attention.output.LayerNorm", up = "intermediate.dense",
                   down = "output.dense", mlp_norm = "output.LayerNorm";
};

// Sizes under these keys; every head has an equal part of the hidden size.
ModelShape encoder_shape(const checkpoint::Config& config, const BertSpelling& spelling = {});

// The same under BERT's keys; a decoder is refused.
ModelShape bert_shape(const checkpoint::Config& config);

// 1 / sqrt(head_dim), all keys seen.
ops::AttentionShape bert_attention(const ModelShape& shape);

// Words, types and norm of `embeddings` with BERT's names, of `width` columns.
BertParts bert_embeddings(const ModelShape& shape, const checkpoint::Weights& embeddings,
                          int64_t width, double eps);

// layers / 0, layers / 1 and so on, with these names.
std::vector<BertLayer> bert_layers(const checkpoint::Config& config,
                                   const checkpoint::Weights& layers, const ModelShape& shape,
                                   double eps, const BertSpelling& spelling = {});

}  // namespace vecton::models
