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
  size_t task = 0;                      // which of the work's tasks
  std::span<const TokenInfo> tokens{};  // of the work's ids, where answers name them
  std::span<const ImageGrid> images{};  // pictures among them

  template <class Parameters>
  const Parameters& parameters() const {
    return std::get<Parameters>(work->tasks[task]);
  }
};

template <class Parameters>
bool asks_for(const HeadInput& input) {
  return std::holds_alternative<Parameters>(input.work->tasks[input.task]);
}

// Whether labels and scores are wanted as probabilities, or what else the checkpoint makes of their
// logits; so where nobody says.
bool wants_activation(const HeadInput& input);

class Head {
 public:
  virtual ~Head() = default;

  // Appends the rows wanted of a sequence: positions to wanted.index, their end to wanted.offsets.
  virtual void want(const HeadInput& input, tensor::Rows& wanted) const = 0;

  // One answer per sequence, its task's Output; `hidden` holds the wanted rows of all of them, as
  // `rows` says.
  virtual std::vector<Answer> answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                                     std::span<const HeadInput> inputs) const = 0;

  // Bytes that its weights hold beside those of the checkpoint's main files.
  virtual int64_t weight_bytes() const { return 0; }
};

// A tensor's numbers.
struct Matrix {
  int64_t rows = 0, columns = 0;
  std::vector<float> values;
};
// Copies tensors out of the backend, all at once: a head computes the answers of a batch there and
// reads them once.
std::vector<Matrix> read_all(Ops& ops, std::span<const Tensor> values);
// The answer to a Score, or to who asks for labels.
Answer labels_or_score(const HeadInput& input, Matrix values, float logit);
// The tokens that the rows of one sequence are of, where its answer names them.
std::vector<TokenInfo> tokens_of(const HeadInput& input, const tensor::Rows& rows, size_t sequence);
// The pictures of one sequence among its rows: those of which every row is there.
std::vector<ImageGrid> images_of(const HeadInput& input, const tensor::Rows& rows, size_t sequence);
// Adds every position of a sequence to `wanted` that is not left out by `answered`.
void want_tokens(const HeadInput& input, tensor::Rows& wanted);
// What of `rows`, and of a tensor that has a row for each of them, is one sequence's.
tensor::Rows rows_of_sequence(const tensor::Rows& rows, size_t sequence);
Tensor slice_sequence(const Tensor& x, const tensor::Rows& rows, size_t sequence);

}  // namespace vecton::heads
