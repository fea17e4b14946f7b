#include "heads/fill_mask_head.h"

#include <algorithm>
#include <utility>

#include "heads/classifier_head.h"
#include "heads/label_activation.h"

namespace vecton::heads {

FillMaskHead::FillMaskHead(checkpoint::HeadWeights weights, int32_t mask_id)
    : weights_(std::move(weights)), mask_id_(mask_id) {}

void FillMaskHead::want(const HeadInput& input, tensor::Rows& wanted) const {
  const std::vector<int32_t>& ids = input.work->ids;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == mask_id_) wanted.index.push_back(static_cast<int32_t>(i));
  }
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

std::vector<Answer> FillMaskHead::answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                                         std::span<const HeadInput> inputs) const {
  std::vector<Tensor> best;                   // of each sequence values, then columns
  std::vector<std::vector<int32_t>> targets;  // of the columns; empty = all tokens
  for (size_t s = 0; s < inputs.size(); ++s) {
    Tensor x = ops.softmax(run_steps(ops, weights_, slice_sequence(hidden, rows, s)));
    targets.push_back(inputs[s].work->targets);
    std::ranges::sort(targets.back());
    if (!targets.back().empty()) x = ops.gather_columns(x, ops.upload_indices(targets.back()));
    const Ops::TopK top =
        ops.top_k(x, std::min(inputs[s].parameters<FillMask>().top_k, x.columns()));
    best.insert(best.end(), {top.values, top.columns});
  }
  std::vector<Matrix> read = read_all(ops, best);
  std::vector<Answer> answers;
  for (size_t s = 0; s < inputs.size(); ++s) {
    Matrix& values = read[2 * s];
    Fillings answer{.rows = values.rows,
                    .columns = values.columns,
                    .values = std::move(values.values),
                    .prompt_token_ids = inputs[s].work->ids};
    for (const float column : read[2 * s + 1].values) {
      const auto at = static_cast<int32_t>(column);
      answer.ids.push_back(targets[s].empty() ? at : targets[s][static_cast<size_t>(at)]);
    }
    answers.emplace_back(std::move(answer));
  }
  return answers;
}

}  // namespace vecton::heads
