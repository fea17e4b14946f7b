// All that attention() takes, on the host, and how it lies in memory.
#pragma once

#include <optional>

#include "ops/support.h"

namespace vecton::test {

struct BiasInput {
  int64_t reach = 0, buckets = 0;
  std::vector<int32_t> bucket;
  Matrix by_head, by_query, by_key;  // without columns: absent
};

struct AttentionInput {
  ops::AttentionShape shape;
  tensor::Rows queries;
  std::vector<int32_t> lengths;   // keys of each sequence
  std::vector<int32_t> attended;  // of them; empty = all
  Matrix q, k, v;                 // k and v: every key of every sequence
  BiasInput bias;
  Numbers sinks;  // of each head; empty = none
};

// Which keys lie in pages.
struct Paging {
  int64_t page_rows = 0;
  std::vector<int32_t> cached;  // rows of each sequence; its last page may be filled in part
  bool scattered = true;        // else the pages of a sequence follow one another
  tensor::DType dtype = tensor::DType::kF32;  // of the pages
};

// Random values; by_head, by_query and by_key where asked for.
struct BiasParts {
  bool by_head = false, by_query = false, by_key = false;
  int64_t reach = 7;
};
BiasInput random_bias(Random& random, const ops::AttentionShape& shape, int64_t queries,
                      int64_t keys, const BiasParts& parts);

// `fused`: q, k, v are columns of wider tensors, as a stacked linear layer gives them.
Matrix run_attention(Ops& ops, const AttentionInput& input, const Paging& paging = {},
                     bool fused = false);

// What rounding errors are relative to: an error in a score multiplies the weight of its value, so
// they grow with the scores: max |v| (1 + max |score|).
Matrix attention_scale(const AttentionInput& input);

}  // namespace vecton::test
