// Writer: one completion while it is written: logits in, tokens and text out, until it ends. Knows
// nothing of models, batches or caches. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "generation/sampling.h"
#include "generation/settings.h"
#include "generation/stop_strings.h"
#include "generation/structure.h"
#include "generation/token_constraint.h"
#include "vecton/request.h"
#include "vecton/tokenizer.h"

namespace vecton::generation {

class Writer {
 public:
  // `prompt`: the history before the first token, by the sampling of `settings`; `constraint` may
  // be null.
  Writer(Settings settings, History prompt, int64_t index,
         std::shared_ptr<const Tokenizer> tokenizer, std::unique_ptr<TokenConstraint> constraint);

  // The logits after all tokens so far, which are changed, to the next token. Error (kInternal)
  // where a constraint leaves none, or the logits are no numbers. Not after it has ended.
  int32_t write(std::span<float> logits);
  void abort();  // ends it, if it has not ended

  bool ended() const { return finished_; }
  int64_t tokens() const { return static_cast<int64_t>(history_.ids().size()); }
  const Settings& settings() const { return settings_; }
  int64_t index() const { return index_; }

  // What has been added since the last call.
  GenerationDelta take_delta();
  // All of it, once it has ended.
  Completion take_completion();

 private:
  void put(int32_t id);
  void end(FinishReason reason, StopReason why = {});

  Settings settings_;
  int64_t index_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  Structure structure_;
  std::vector<int32_t> ends_;
  History history_;
  Detokenizer detokenizer_;
  StopStrings stop_;
  Completion completion_;
  bool finished_ = false;
  size_t given_text_ = 0, given_tokens_ = 0;  // in deltas
};

}  // namespace vecton::generation
