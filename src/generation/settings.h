// Settings: a Generate, and beside it everything that it leaves open, decided: defaults, texts as
// token ids, limits. What needs no deciding is read from `asked`. Errors name the field.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "generation/defaults.h"
#include "generation/sampling.h"
#include "vecton/request.h"
#include "vecton/tokenizer.h"

namespace vecton::generation {

struct Settings {
  std::shared_ptr<const Generate> asked = std::make_shared<const Generate>();  // of all completions
  Sampling sampling;
  int64_t max_tokens = 0;
  std::optional<int32_t> eos;           // the model's own end; none = it is ignored
  std::vector<int32_t> stop_token_ids;  // the request's, then the other ends
  bool skip_special_tokens = true;

  bool ends(int32_t id) const;
  // Every token that ends a completion: what min_tokens and a constraint hold back.
  std::vector<int32_t> ends() const;
};

// What a model and the way it is served allow.
struct Limits {
  int64_t vocab = 0;          // ids are below it
  int64_t max_model_len = 0;  // tokens, the prompt's among them
  int64_t max_logprobs = 20;  // -1 = all
};

// For completion 0; those that follow have the seed after it (Settings::sampling). `prompt_tokens`
// is less than max_model_len.
Settings decide(const Generate& asked, const Defaults& defaults, const Tokenizer& tokenizer,
                const Limits& limits, int64_t prompt_tokens);

}  // namespace vecton::generation
