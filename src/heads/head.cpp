#include "heads/head.h"

#include <algorithm>
#include <string>
#include <utility>

namespace vecton::heads {

std::vector<Matrix> read_all(Ops& ops, std::span<const Tensor> values) {
  std::vector<Matrix> read;
  std::vector<std::vector<float>> numbers = ops.download_all(values);
  for (size_t i = 0; i < values.size(); ++i) {
    read.push_back({.rows = values[i].rows(),
                    .columns = values[i].columns(),
                    .values = std::move(numbers[i])});
  }
  return read;
}

Answer labels_or_score(const HeadInput& input, Matrix values, float logit) {
  if (asks_for<Score>(input)) {
    if (values.values.size() != 1) {
      throw Error(ErrorCode::kInternal,
                  "a score is one number, the head gives " + std::to_string(values.values.size()));
    }
    return Relevance{.score = values.values.front(), .logit = logit};
  }
  return Labels{.rows = values.rows, .columns = values.columns, .values = std::move(values.values)};
}

std::vector<TokenInfo> tokens_of(const HeadInput& input, const tensor::Rows& rows,
                                 size_t sequence) {
  std::vector<TokenInfo> tokens;
  if (input.tokens.empty()) return tokens;
  for (int32_t r = rows.offsets[sequence]; r < rows.offsets[sequence + 1]; ++r)
    tokens.push_back(input.tokens[static_cast<size_t>(rows.index[static_cast<size_t>(r)])]);
  return tokens;
}

std::vector<ImageGrid> images_of(const HeadInput& input, const tensor::Rows& rows,
                                 size_t sequence) {
  std::vector<ImageGrid> images;
  const auto begin = rows.index.begin() + rows.offsets[sequence],
             end = rows.index.begin() + rows.offsets[sequence + 1];
  for (ImageGrid grid : input.images) {
    const int64_t count = grid.rows * grid.columns;
    const auto first = std::lower_bound(begin, end, grid.begin);
    if (end - first < count || *first != grid.begin) continue;
    if (*(first + count - 1) != grid.begin + count - 1) continue;
    grid.begin = first - begin;
    images.push_back(grid);
  }
  return images;
}

bool wants_activation(const HeadInput& input) {
  return std::visit(
      [](const auto& parameters) {
        if constexpr (requires { parameters.use_activation; }) {
          return parameters.use_activation.value_or(true);
        } else {
          return true;
        }
      },
      input.work->tasks[input.task]);
}

void want_tokens(const HeadInput& input, tensor::Rows& wanted) {
  const std::vector<uint8_t>& kept = input.work->answered;
  for (size_t i = 0; i < input.work->ids.size(); ++i) {
    if (kept.empty() || kept[i] != 0) wanted.index.push_back(static_cast<int32_t>(i));
  }
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

tensor::Rows rows_of_sequence(const tensor::Rows& rows, size_t sequence) {
  const int32_t first = rows.offsets[sequence], end = rows.offsets[sequence + 1];
  return {.offsets = {0, end - first},
          .index = {rows.index.begin() + first, rows.index.begin() + end}};
}

Tensor slice_sequence(const Tensor& x, const tensor::Rows& rows, size_t sequence) {
  const int64_t first = rows.offsets[sequence];
  return x.slice_rows(first, rows.offsets[sequence + 1] - first);
}

}  // namespace vecton::heads
