// Prompt lookup: what may come next, guessed from what came before. Where the tokens end as they
// have done earlier, those that followed then are the guess (a draft), which one forward pass
// checks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace vecton::generation {

// vLLM's speculative_config of method "ngram".
struct PromptLookup {
  int64_t num_speculative_tokens = 0;                    // of a draft, at most
  int64_t prompt_lookup_min = 0, prompt_lookup_max = 0;  // tokens that have to be the same
};

// Of a JSON object; nothing of an empty text. Errors name the field.
std::optional<PromptLookup> read_speculative_config(std::string_view text);

// Makes the drafts of one completion. What is guessed wrongly costs time, so that a draft is as
// long as the last ones were good: one token more than was right of the last.
class Drafter {
 public:
  explicit Drafter(const PromptLookup& lookup);

  // What may follow `ids`, at most `most` tokens: after the longest of their ends that has been
  // there before, where it was last.
  std::vector<int32_t> draft(std::span<const int32_t> ids, int64_t most) const;
  // So many of `drafted` tokens were right.
  void note(int64_t drafted, int64_t accepted);

 private:
  PromptLookup lookup_;
  int64_t length_ = 0;  // of the next draft
};

}  // namespace vecton::generation
