#include "generation/writer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/counted.h"
#include "generation/logprobs.h"
#include "vecton/error.h"

namespace vecton::generation {

Writer::Writer(Settings settings, History prompt, int64_t index,
               std::shared_ptr<const Tokenizer> tokenizer,
               std::unique_ptr<TokenConstraint> constraint)
    : settings_(std::move(settings)),
      index_(index),
      tokenizer_(std::move(tokenizer)),
      structure_(std::move(constraint), settings_.asked->structured_output, tokenizer_),
      ends_(settings_.ends()),
      history_(std::move(prompt)),
      detokenizer_(tokenizer_, settings_.skip_special_tokens),
      stop_(settings_.asked->stop, settings_.asked->include_stop_str_in_output),
      completion_{.index = index} {}

// Nothing of what may come is left: an answer can't go on without a token that was forbidden.
[[noreturn]] static void refuse_all(const Generate& asked, int64_t tokens) {
  const char* const field = asked.allowed_token_ids    ? "allowed_token_ids"
                            : !asked.bad_words.empty() ? "bad_words"
                                                       : "min_tokens";
  throw Error(ErrorCode::kInvalidArgument,
              std::string(field) + ": no token is left after " + base::counted(tokens, "token") +
                  ": allowed_token_ids, bad_words, min_tokens and the structure exclude each other",
              field);
}

int32_t Writer::write(std::span<float> logits) {
  structure_.mask(logits, ends_);
  const int32_t best = argmax(logits);
  if (best < 0 || !std::isfinite(logits[static_cast<size_t>(best)])) {
    throw Error(ErrorCode::kInternal,
                structure_.holds()
                    ? "no token of the vocabulary continues the text as its grammar wants"
                    : "the model gave a non-finite value for this input");
  }
  std::vector<float> raw;
  const bool too_short = tokens() < settings_.asked->min_tokens;
  const bool adjusted = too_short || !leaves_alone(settings_.sampling);
  if (settings_.asked->logprobs && adjusted) raw.assign(logits.begin(), logits.end());
  if (adjusted)
    adjust(logits, settings_.sampling, history_,
           too_short ? std::span<const int32_t>(ends_) : std::span<const int32_t>());
  const int32_t id = settings_.sampling.greedy() && !adjusted
                         ? best
                         : sample(logits, settings_.sampling, static_cast<uint64_t>(tokens()));
  if (id < 0) refuse_all(*settings_.asked, tokens());
  if (settings_.asked->logprobs) {
    completion_.logprobs.push_back(logprobs_of(raw.empty() ? logits : std::span<const float>(raw),
                                               id, *settings_.asked->logprobs, *tokenizer_));
    completion_.cumulative_logprob += completion_.logprobs.back().token.logprob;
  }
  put(id);
  return id;
}

// In vLLM's order: the model's end, stop tokens, stop texts, length.
void Writer::put(int32_t id) {
  history_.add(id);
  completion_.token_ids.push_back(id);
  structure_.accept(id, settings_.ends(id));
  const bool long_enough = tokens() > settings_.asked->min_tokens;
  const bool is_end = settings_.ends(id) && tokens() >= settings_.asked->min_tokens;
  if (!is_end || settings_.asked->include_stop_str_in_output)
    completion_.text += stop_.push(detokenizer_.push(id), long_enough);
  if (is_end) return end(FinishReason::kStop, id == settings_.eos ? StopReason() : StopReason(id));
  if (stop_.found()) return end(FinishReason::kStop, stop_.string(*stop_.found()));
  if (structure_.finished()) return end(FinishReason::kStop);
  if (tokens() >= settings_.max_tokens) end(FinishReason::kLength);
}

// What the detokenizer and the stop strings have held back comes out.
void Writer::end(FinishReason reason, StopReason why) {
  completion_.finish_reason = reason;
  completion_.stop_reason = std::move(why);
  finished_ = true;
  if (stop_.found()) return;
  completion_.text += stop_.push(detokenizer_.finish());
  if (stop_.found() && reason == FinishReason::kLength) {
    completion_.finish_reason = FinishReason::kStop;
    completion_.stop_reason = stop_.string(*stop_.found());
  }
  completion_.text += stop_.finish();
}

void Writer::abort() {
  if (!finished_) end(FinishReason::kAbort);
}

GenerationDelta Writer::take_delta() {
  GenerationDelta delta{.index = index_};
  delta.text = completion_.text.substr(given_text_);
  const auto from = static_cast<std::ptrdiff_t>(given_tokens_);
  delta.token_ids.assign(completion_.token_ids.begin() + from, completion_.token_ids.end());
  if (settings_.asked->logprobs)
    delta.logprobs.assign(completion_.logprobs.begin() + from, completion_.logprobs.end());
  if (finished_) {
    delta.finish_reason = completion_.finish_reason;
    delta.stop_reason = completion_.stop_reason;
  }
  delta.completion_tokens = tokens();
  given_text_ = completion_.text.size();
  given_tokens_ = completion_.token_ids.size();
  return delta;
}

Completion Writer::take_completion() { return std::move(completion_); }

}  // namespace vecton::generation
