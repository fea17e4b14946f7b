// Generate: what a model is asked to write. Generation: what it wrote, step by step and in the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace vecton::generation {

// A token, and how likely the model's raw logits make it: before bias, penalties and temperature,
// after a grammar.
struct TokenLogprob {
  int32_t id = 0;
  float logprob = 0;    // may be -infinity
  int64_t rank = 0;     // 1 = none is likelier
  std::string text{};   // of this token alone; what is no whole character is U+FFFD
  std::string bytes{};  // what it stands for, perhaps a part of a character
};
struct TokenLogprobs {
  TokenLogprob token{};             // the one that is there
  std::vector<TokenLogprob> top{};  // the likeliest of all, best first: as many as were asked for
};

enum class FinishReason {
  kStop,    // the model ended, or a stop token or text came
  kLength,  // max_tokens, or the model's length
  kAbort,   // given up
};
// What ended a completion: nothing, or the model's own end of text; a token, of stop_token_ids or
// another end of text; a text of `stop`.
using StopReason = std::variant<std::monostate, int32_t, std::string>;

struct Completion {
  int64_t index = 0;
  std::string text{};
  std::vector<int32_t> token_ids{};       // a stop token among them, which is not in the text
  std::vector<TokenLogprobs> logprobs{};  // of each token, where they are asked for
  double cumulative_logprob = 0;          // their sum
  FinishReason finish_reason = FinishReason::kStop;
  StopReason stop_reason{};
};
struct Generation {
  std::vector<Completion> completions{};  // Generate::n, by index
  std::vector<int32_t> prompt_token_ids{};
  // Of each token of the prompt but the first, where they are asked for.
  std::vector<TokenLogprobs> prompt_logprobs{};
  int64_t cached_tokens = 0;  // of the prompt, that the prefix cache had
  // Seconds: from submit to the first token, and from there to the last.
  double time_to_first_token = 0, generation_time = 0;
};

// What a step has added to a completion.
struct GenerationDelta {
  size_t request = 0;                // of the submit
  int64_t index = 0;                 // of the completion
  std::string text{};                // ends with a whole character; the texts make Completion::text
  std::vector<int32_t> token_ids{};  // the texts of some may still be held back
  std::vector<TokenLogprobs> logprobs{};
  std::optional<FinishReason> finish_reason{};  // in a completion's last delta
  StopReason stop_reason{};
  int64_t prompt_tokens = 0, completion_tokens = 0, cached_tokens = 0;  // so far
  // In a completion's first delta; they live as long as the call.
  const std::vector<int32_t>* prompt_token_ids = nullptr;
  const std::vector<TokenLogprobs>* prompt_logprobs = nullptr;
};

// What an answer has to be a text of.
struct JsonSchema {
  std::string schema{};  // JSON
  bool operator==(const JsonSchema&) const = default;
};
struct JsonObject {  // any
  bool operator==(const JsonObject&) const = default;
};
struct Regex {
  std::string pattern{};
  bool operator==(const Regex&) const = default;
};
struct Choice {
  std::vector<std::string> choices{};
  bool operator==(const Choice&) const = default;
};
struct Grammar {
  std::string grammar{};  // EBNF
  bool operator==(const Grammar&) const = default;
};
struct StructuredOutput {
  std::variant<JsonSchema, JsonObject, Regex, Choice, Grammar> kind{};
  bool disable_any_whitespace = false, disable_additional_properties = false;
  std::optional<std::string> whitespace_pattern{};
  // It holds from where these tokens have come in a row: the end of thinking. Empty = from the
  // first token on.
  std::vector<int32_t> begins_after{};
  bool operator==(const StructuredOutput&) const = default;
};

// Names and meanings of vLLM's SamplingParams. Where a number may be none, none is what
// generation_config.json says, else vLLM's default.
struct Generate {
  std::optional<int64_t> max_tokens{};         // none of both = what is left of the model's length
  int64_t min_tokens = 0;                      // no end and no stop before
  std::optional<double> temperature{};         // 1; 0 = the likeliest token
  std::optional<int64_t> top_k{};              // 0 and -1 = all
  std::optional<double> top_p{}, min_p{};      // 1, 0
  std::optional<double> repetition_penalty{};  // 1
  std::optional<double> presence_penalty{}, frequency_penalty{};  // 0
  std::vector<std::pair<int32_t, float>> logit_bias{};            // -100 .. 100
  std::vector<std::string> bad_words{};
  std::optional<std::vector<int32_t>> allowed_token_ids{};
  std::vector<std::string> stop{};
  std::vector<int32_t> stop_token_ids{};
  bool include_stop_str_in_output = false;
  bool ignore_eos = false;
  std::optional<uint64_t> seed{};  // completion i has seed + i; none = a random one
  int64_t n = 1;                   // completions
  // So many of the likeliest beside each token; -1 = all.
  std::optional<int64_t> logprobs{}, prompt_logprobs{};
  std::optional<bool> skip_special_tokens{};  // true
  bool spaces_between_special_tokens = true;
  std::optional<StructuredOutput> structured_output{};
  bool operator==(const Generate&) const = default;
};

}  // namespace vecton::generation
