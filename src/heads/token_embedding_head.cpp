#include "heads/token_embedding_head.h"

#include <utility>

namespace vecton::heads {

TokenEmbeddingHead::TokenEmbeddingHead(std::optional<ops::LinearWeight> linear, RowModules modules,
                                       bool normalize, bool skip_first)
    : linear_(std::move(linear)),
      modules_(std::move(modules)),
      normalize_(normalize),
      skip_first_(skip_first) {}

void TokenEmbeddingHead::want(const HeadInput& input, tensor::Rows& wanted) const {
  const std::vector<uint8_t>& kept = input.work->answered;
  for (size_t i = skip_first_ ? 1 : 0; i < input.work->ids.size(); ++i) {
    if (kept.empty() || kept[i] != 0) wanted.index.push_back(static_cast<int32_t>(i));
  }
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

std::vector<Answer> TokenEmbeddingHead::answer(Ops& ops, const Tensor& hidden,
                                               const tensor::Rows& rows,
                                               std::span<const HeadInput> inputs) const {
  const Tensor all = modules_.forward(ops, linear_ ? ops.linear(hidden, *linear_) : hidden);
  std::vector<Tensor> values;
  for (size_t s = 0; s < inputs.size(); ++s) {
    Tensor own = slice_sequence(all, rows, s);
    const bool normalize = inputs[s].parameters<TokenEmbed>().normalize.value_or(normalize_);
    values.push_back(normalize ? ops.l2_normalize(std::move(own)) : own);
  }
  std::vector<Matrix> read = read_all(ops, values);
  std::vector<Answer> answers;
  for (size_t s = 0; s < inputs.size(); ++s) {
    answers.emplace_back(Vectors{.rows = read[s].rows,
                                 .columns = read[s].columns,
                                 .values = std::move(read[s].values),
                                 .tokens = tokens_of(inputs[s], rows, s),
                                 .images = images_of(inputs[s], rows, s)});
  }
  return answers;
}

}  // namespace vecton::heads
