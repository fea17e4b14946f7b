// Head: hidden rows to answers, one kind of answer each. Called by engine/runner. Immutable after
// load, thread-safe; knows no model.
#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "heads/work.h"
#include "ops/ops.h"

namespace vecton::heads {

// What a head is asked of one sequence.
struct HeadInput {
  const Work* work = nullptr;
  size_t task = 0;  // which of the work's tasks

  template <class Parameters>
  const Parameters& parameters() const {
    return std::get<Parameters>(work->tasks[task]);
  }
};

// Whether labels and scores are wanted as probabilities, or what else the checkpoint makes of their
// logits; so where nobody says.
bool wants_activation(const HeadInput& input);

struct HeadAnswer {
  int64_t rows = 0, columns = 0;
  std::vector<float> values;       // [rows, columns]
  std::vector<int32_t> ids;        // tokens of the vocabulary that values are of; [rows, columns]
  std::vector<int32_t> positions;  // answers per token: the token of each row
  float logit = 0;                 // scores: before the activation
};

class Head {
 public:
  virtual ~Head() = default;

  // Appends the rows wanted of a sequence: positions to wanted.index, their end to wanted.offsets.
  virtual void want(const HeadInput& input, tensor::Rows& wanted) const = 0;

  // One answer per sequence; `hidden` holds the wanted rows of all of them, as `rows` says.
  virtual std::vector<HeadAnswer> answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                                         std::span<const HeadInput> inputs) const = 0;

  // Bytes that its weights hold beside those of the checkpoint's main files.
  virtual int64_t weight_bytes() const { return 0; }
};

// Copies tensors out of the backend, all at once: a head computes the answers of a batch there and
// reads them once.
std::vector<HeadAnswer> to_answers(Ops& ops, std::span<const Tensor> values);
// Adds every position of a sequence to `wanted` that is not left out by `kept`.
void want_tokens(const HeadInput& input, tensor::Rows& wanted);
// What of `rows`, and of a tensor that has a row for each of them, is one sequence's.
tensor::Rows rows_of_sequence(const tensor::Rows& rows, size_t sequence);
Tensor slice_sequence(const Tensor& x, const tensor::Rows& rows, size_t sequence);

}  // namespace vecton::heads
