#include "heads/head.h"

namespace vecton {

HeadAnswer to_answer(Ops& ops, const Tensor& values) {
  HeadAnswer answer{.rows = values.rows(), .columns = values.columns()};
  answer.values.resize(static_cast<size_t>(values.rows() * values.columns()));
  ops.download(values, answer.values);
  return answer;
}

void want_tokens(const HeadInput& input, Rows& wanted) {
  for (size_t i = 0; i < input.ids.size(); ++i) {
    if (input.kept.empty() || input.kept[i] != 0) wanted.index.push_back(static_cast<int32_t>(i));
  }
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

}  // namespace vecton
