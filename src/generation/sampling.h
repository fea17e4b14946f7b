// Sampling: logits to the next token, in vLLM's order of operations. Pure functions; nothing here
// knows where logits come from.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/never.h"

namespace vecton::generation {

using base::kNever;

// The numbers that a request or the model's defaults have given.
struct Sampling {
  double temperature = 1;  // 0 = the likeliest
  int64_t top_k = 0;       // 0 = all
  double top_p = 1, min_p = 0;
  double repetition_penalty = 1, presence_penalty = 0, frequency_penalty = 0;
  std::optional<int64_t> repetition_context_size;  // the last tokens that are penalised; none = all
  std::vector<std::pair<int32_t, float>> logit_bias;
  std::vector<std::vector<int32_t>> bad_words;  // the last token of each may not follow the others
  std::optional<std::vector<int32_t>> allowed_token_ids;
  uint64_t seed = 0;

  bool greedy() const { return temperature == 0; }
};

// The tokens so far, as penalties see them. Copies share what is kept of the prompt.
class History {
 public:
  History(std::span<const int32_t> prompt, const Sampling& sampling);
  void add(int32_t id);

  // Of the completion.
  const std::vector<int32_t>& ids() const { return ids_; }
  const std::unordered_map<int32_t, int64_t>& counts() const { return counts_; }
  bool in_prompt(int32_t id) const { return prompt_->ids.contains(id); }
  const std::unordered_set<int32_t>& prompt() const { return prompt_->ids; }
  // Once each: those of the last `context_size` tokens of prompt and completion.
  std::unordered_set<int32_t> last(int64_t context_size) const;

 private:
  struct Prompt {
    std::unordered_set<int32_t> ids;  // where the repetition penalty needs all of it
    std::vector<int32_t> end;         // where it needs but the last tokens
  };
  static Prompt kept_of(std::span<const int32_t> prompt, const Sampling& sampling);

  std::vector<int32_t> ids_;
  std::shared_ptr<const Prompt> prompt_;
  std::unordered_map<int32_t, int64_t> counts_;  // where a penalty needs them
  bool counts_needed_ = false;
};

// Sets every logit to kNever whose bit is 0.
void mask(std::span<float> logits, std::span<const uint64_t> allowed);

// Allowed ids, bad words, `never` (ends, before min_tokens are there), bias, penalties, in this
// order. They may leave nothing: what was forbidden is never chosen.
void adjust(std::span<float> logits, const Sampling& sampling, const History& history,
            std::span<const int32_t> never);

// Whether adjust() would do nothing.
bool leaves_alone(const Sampling& sampling);

// The likeliest; of equal ones the first. -1 where there is none.
int32_t argmax(std::span<const float> logits);

// Temperature, min_p, top_k, top_p, and one of what is left: the random number of the seed and
// `position`. -1 where nothing is there.
int32_t sample(std::span<const float> logits, const Sampling& sampling, uint64_t position);

// The same without the draw: what is left, by id, and how likely each is.
struct Candidate {
  int32_t id = 0;
  double probability = 0;
};
std::vector<Candidate> candidates(std::span<const float> logits, const Sampling& sampling);

}  // namespace vecton::generation
