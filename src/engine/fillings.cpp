#include <algorithm>
#include <utility>

#include "vecton/request.h"

namespace vecton {

namespace {

// The token ids that the model read: the request's, cut to as many as were computed.
std::vector<int32_t> ids_read(const Result& result, const Prompt& prompt,
                              const Tokenizer& tokenizer) {
  if (const auto* text = std::get_if<std::string>(&prompt.input)) {
    EncodeOptions options{.add_special_tokens = prompt.add_special_tokens.value_or(true),
                          .truncation = EncodeOptions::Truncation::kLongestFirst,
                          .max_length = result.usage.prompt_tokens,
                          .truncation_side = prompt.truncation.side};
    if (!result.usage.truncated) options.truncation = EncodeOptions::Truncation::kNone;
    return tokenizer.encode(*text, options).ids;
  }
  std::vector<int32_t> ids = std::get<std::vector<int32_t>>(prompt.input);
  const auto most = static_cast<size_t>(std::max<int64_t>(result.usage.prompt_tokens, 0));
  if (ids.size() > most) {
    const auto extra = static_cast<std::ptrdiff_t>(ids.size() - most);
    if (prompt.truncation.side == EncodeOptions::Side::kLeft) {
      ids.erase(ids.begin(), ids.begin() + extra);
    } else {
      ids.resize(most);
    }
  }
  return ids;
}

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

std::vector<std::vector<Filling>> find_fillings(const Result& result, const Prompt& prompt,
                                                const Tokenizer& tokenizer) {
  const std::vector<int32_t> ids = ids_read(result, prompt, tokenizer);
  const std::optional<int32_t> mask = tokenizer.special_token_id("mask_token");
  std::vector<size_t> masks;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (mask && ids[i] == *mask) masks.push_back(i);
  }
  const auto& answer = result.get<Fillings>();
  const auto rows = static_cast<size_t>(answer.rows), columns = static_cast<size_t>(answer.columns);
  if (masks.size() != rows || answer.ids.size() != rows * columns ||
      answer.values.size() != rows * columns) {
    throw Error(ErrorCode::kInternal, "the result is not one of this request: it has " +
                                          std::to_string(rows) + " masks, the text " +
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
