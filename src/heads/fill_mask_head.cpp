#include "heads/fill_mask_head.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "heads/classifier_head.h"
#include "heads/label_activation.h"

namespace vecton {

FillMaskHead::FillMaskHead(HeadWeights weights, int32_t mask_id)
    : weights_(std::move(weights)), mask_id_(mask_id) {}

void FillMaskHead::want(const HeadInput& input, Rows& wanted) const {
  for (size_t i = 0; i < input.ids.size(); ++i) {
    if (input.ids[i] == mask_id_) wanted.index.push_back(static_cast<int32_t>(i));
  }
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

std::vector<HeadAnswer> FillMaskHead::answer(Ops& ops, const Tensor& hidden, const Rows& rows,
                                             std::span<const HeadInput> inputs) const {
  std::vector<HeadAnswer> answers;
  for (size_t s = 0; s < inputs.size(); ++s) {
    const HeadInput& input = inputs[s];
    const int64_t first = rows.offsets[s], count = rows.offsets[s + 1] - first;
    HeadAnswer logits = to_answer(ops, run_steps(ops, weights_, hidden.slice_rows(first, count)));
    std::vector<int32_t> candidates(input.targets.begin(), input.targets.end());
    if (candidates.empty()) {
      candidates.resize(static_cast<size_t>(logits.columns));
      std::iota(candidates.begin(), candidates.end(), 0);
    }
    const int64_t kept = std::min(input.top_k, static_cast<int64_t>(candidates.size()));
    HeadAnswer best{.rows = count, .columns = kept};
    best.positions.assign(rows.index.begin() + first, rows.index.begin() + first + count);
    for (int64_t i = 0; i < count; ++i) {
      const auto row = std::span(logits.values)
                           .subspan(static_cast<size_t>(i * logits.columns),
                                    static_cast<size_t>(logits.columns));
      LabelActivation(LabelActivation::kSoftmax).apply(row);
      std::partial_sort(candidates.begin(), candidates.begin() + kept, candidates.end(),
                        [&](int32_t a, int32_t b) {
                          return row[static_cast<size_t>(a)] != row[static_cast<size_t>(b)]
                                     ? row[static_cast<size_t>(a)] > row[static_cast<size_t>(b)]
                                     : a < b;
                        });
      for (int64_t j = 0; j < kept; ++j) {
        best.ids.push_back(candidates[static_cast<size_t>(j)]);
        best.values.push_back(row[static_cast<size_t>(best.ids.back())]);
      }
    }
    answers.push_back(std::move(best));
  }
  return answers;
}

}  // namespace vecton
