// Generating: what a sequence that generates has beside others: its completion, where deltas go,
// and how far the cache is. Writers: makes such sequences of a request.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/plan.h"
#include "engine/sequence.h"
#include "generation/defaults.h"
#include "generation/grammar_constraints.h"
#include "generation/prompt_lookup.h"
#include "generation/settings.h"
#include "generation/writer.h"

namespace vecton::engine {

// Of one request; its completions share it.
struct Stream {
  std::function<bool(const GenerationDelta&)> on_delta;
  size_t request = 0;
  std::mutex mutex;  // one delta at a time
  std::atomic<bool> given_up{false};
};

struct Generating {
  generation::Writer writer;
  std::shared_ptr<Stream> stream;
  int64_t prompt_tokens = 0;
  uint64_t order = 0;  // in which they came

  bool shares = false;         // prefixes with others
  int64_t published = 0;       // leading blocks that others can find
  bool publishes = false;      // so will be the next
  int32_t snapshot = -1;       // block that it has written last and left a snapshot of
  bool decoding = false;       // in the batch of those that go on by a token
  int64_t cached_tokens = -1;  // of the prompt, when it began

  std::optional<generation::Drafter> drafter;  // none = a token at a time
  std::vector<int32_t> draft;                  // what may come next

  // Of the last step: [1 + Sequence::drafted, vocabulary], after the last token and after each
  // of the draft.
  std::vector<float> logits;
  std::vector<TokenLogprobs> prompt_logprobs;
  std::optional<Error> error;
  std::optional<std::chrono::steady_clock::time_point> begun, first_token;

  // Rows of the prompt whose logits are still wanted begin here.
  int64_t next_prompt_row() const { return static_cast<int64_t>(prompt_logprobs.size()); }
  bool wants_prompt_rows() const {
    return writer.settings().asked->prompt_logprobs && writer.index() == 0 &&
           next_prompt_row() + 1 < prompt_tokens;
  }
  bool ended() const { return error || writer.ended(); }
};

// What a step has made of a sequence.
struct Written {
  int64_t tokens = 0;  // written
  int64_t drafted = 0;
  int64_t accepted = 0;  // of the draft
};
// Runs the writer of `sequence` on the logits of a step and appends what it gives: of a draft
// as many tokens as the writer gives itself, and the one that follows them.
Written write_tokens(Sequence& sequence);
// Tells the stream what is new.
void tell(Sequence& sequence);
// The answer of a sequence that has ended; the first completion's has the prompt's tokens.
Generation take_generation(Sequence& sequence);

class Writers {
 public:
  Writers(const Plan& plan, const EngineOptions& options,
          std::shared_ptr<const Tokenizer> tokenizer);

  // A sequence per completion. `most_tokens`: of prompt and completion, that the cache holds; 0 =
  // any number. Errors name the field.
  std::vector<Sequence> make(Sequence prepared, const Request& request, size_t index,
                             int64_t most_tokens) const;

  const generation::Defaults& defaults() const { return defaults_; }
  bool drafts() const { return lookup_.has_value(); }

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  generation::Defaults defaults_;
  generation::Limits limits_;
  std::optional<generation::PromptLookup> lookup_;
  std::shared_ptr<const generation::ConstraintFactory> constraints_;
};

}  // namespace vecton::engine
