#include <utility>

#include "vecton/request.h"

namespace vecton {

namespace {

// Rows of a model's vocabulary beyond the tokenizer's, which fill it up to a round size, say
// nothing.
std::string text_of(const Tokenizer& tokenizer, std::vector<int32_t> ids,
                    bool skip_special_tokens) {
  std::erase_if(ids, [&](int32_t id) { return id >= tokenizer.vocab_size(); });
  return tokenizer.decode(ids, skip_special_tokens);
}

}  // namespace

std::string MaskTarget::note(const Tokenizer& tokenizer) const {
  if (exact) return "";
  const std::string what = "target \"" + text + "\" is not a token of the vocabulary: ";
  return token ? what + "its first one, \"" + std::string(tokenizer.id_to_token(*token)) +
                     "\", is taken"
               : what + "it has no tokens, and is left out";
}

std::vector<MaskTarget> find_targets(std::span<const std::string> texts,
                                     const Tokenizer& tokenizer) {
  std::vector<MaskTarget> targets;
  for (const std::string& text : texts) {
    MaskTarget target{.text = text, .token = tokenizer.token_to_id(text)};
    target.exact = target.token.has_value();
    if (!target.exact) {
      const std::vector<int32_t> ids =
          tokenizer
              .encode(text, {.add_special_tokens = false,
                             .truncation = EncodeOptions::Truncation::kLongestFirst,
                             .max_length = 1})
              .ids;
      if (!ids.empty()) target.token = ids.front();
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

std::vector<std::vector<Filling>> find_fillings(const Fillings& answer,
                                                const Tokenizer& tokenizer) {
  const std::vector<int32_t>& ids = answer.prompt_token_ids;
  const std::optional<int32_t> mask = tokenizer.special_token_id("mask_token");
  std::vector<size_t> masks;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (mask && ids[i] == *mask) masks.push_back(i);
  }
  const auto rows = static_cast<size_t>(answer.rows), columns = static_cast<size_t>(answer.columns);
  if (masks.size() != rows || answer.ids.size() != rows * columns ||
      answer.values.size() != rows * columns) {
    throw Error(ErrorCode::kInternal, "the answer has " + std::to_string(rows) +
                                          " masks, the text that was read " +
                                          std::to_string(masks.size()));
  }
  std::vector<std::vector<Filling>> fillings(rows);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t i = row * columns; i < (row + 1) * columns; ++i) {
      std::vector<int32_t> filled = ids;
      filled[masks[row]] = answer.ids[i];
      fillings[row].push_back({.token = answer.ids[i],
                               .text = text_of(tokenizer, {answer.ids[i]}, false),
                               .score = answer.values[i],
                               .sequence = text_of(tokenizer, std::move(filled), rows == 1)});
    }
  }
  return fillings;
}

}  // namespace vecton
