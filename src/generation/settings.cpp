#include "generation/settings.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "base/entropy.h"
#include "vecton/error.h"

namespace vecton::generation {

namespace {

[[noreturn]] void refuse(const std::string& message, const char* field) {
  throw Error(ErrorCode::kInvalidArgument, message, field);
}

std::string text_of(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

double number(const std::optional<double>& asked, double fallback, const char* field, double least,
              double most) {
  if (!asked) return fallback;
  if (std::isfinite(*asked) && *asked >= least && *asked <= most) return *asked;
  refuse(std::string(field) + ": expected a number from " + text_of(least) + " to " + text_of(most),
         field);
}

// More than 0.
double positive(const std::optional<double>& asked, double fallback, const char* field,
                double most) {
  if (!asked) return fallback;
  if (std::isfinite(*asked) && *asked > 0 && *asked <= most) return *asked;
  refuse(std::string(field) + ": expected a number above 0" +
             (most < HUGE_VAL ? ", at most " + text_of(most) : ""),
         field);
}

void check_id(int32_t id, const Limits& limits, const char* field) {
  if (id >= 0 && id < limits.vocab) return;
  refuse(std::string(field) + ": token id " + std::to_string(id) +
             " is out of vocabulary: ids are from 0 to " + std::to_string(limits.vocab - 1),
         field);
}

void check_logprobs(const std::optional<int64_t>& asked, const Limits& limits, const char* field) {
  if (!asked) return;
  if (*asked < -1) refuse(std::string(field) + ": expected -1 (all) or more", field);
  if (limits.max_logprobs < 0) return;
  if (*asked == -1 || *asked > limits.max_logprobs) {
    refuse(std::string(field) + ": at most " + std::to_string(limits.max_logprobs) +
               " are given here (max_logprobs)",
           field);
  }
}

// As vLLM reads them: a word at the beginning of a text and after a space.
std::vector<std::vector<int32_t>> bad_words(const std::vector<std::string>& words,
                                            const Tokenizer& tokenizer) {
  constexpr size_t kMost = 1024;  // ids in all
  std::vector<std::vector<int32_t>> all;
  size_t ids = 0;
  for (const std::string& word : words) {
    const size_t begin = word.find_first_not_of(" \t\n\r");
    if (begin == std::string::npos) refuse("bad_words: a word is empty", "bad_words");
    const std::string plain = word.substr(begin);
    const auto encode = [&](const std::string& text) {
      return tokenizer.encode(text, {.add_special_tokens = false}).ids;
    };
    const std::vector<int32_t> first = encode(plain), spaced = encode(" " + plain);
    if (!first.empty()) all.push_back(first);
    const bool other = !spaced.empty() && !first.empty() && spaced.front() != first.front() &&
                       spaced.size() == first.size();
    if (other) all.push_back(spaced);
    ids += first.size() + spaced.size();
    if (ids > kMost) refuse("bad_words: at most " + std::to_string(kMost) + " tokens", "bad_words");
  }
  return all;
}

Sampling sampling_of(const Generate& asked, const Defaults& defaults, const Tokenizer& tokenizer,
                     const Limits& limits) {
  Sampling s;
  s.temperature = number(asked.temperature, defaults.temperature, "temperature", 0, 2);
  if (s.temperature < 1e-5) s.temperature = 0;
  if (s.temperature > 0) s.temperature = std::max(s.temperature, 0.01);
  s.top_p = positive(asked.top_p, defaults.top_p, "top_p", 1);
  s.min_p = number(asked.min_p, defaults.min_p, "min_p", 0, 1);
  s.top_k = asked.top_k.value_or(defaults.top_k);
  if (s.top_k < -1) refuse("top_k: expected -1 or 0 (all), or more", "top_k");
  s.top_k = std::max<int64_t>(0, s.top_k);
  s.repetition_penalty = positive(asked.repetition_penalty, defaults.repetition_penalty,
                                  "repetition_penalty", HUGE_VAL);
  s.repetition_context_size = asked.repetition_context_size;
  if (s.repetition_context_size && *s.repetition_context_size < 1)
    refuse("repetition_context_size: expected 1 or more", "repetition_context_size");
  s.presence_penalty =
      number(asked.presence_penalty, defaults.presence_penalty, "presence_penalty", -2, 2);
  s.frequency_penalty =
      number(asked.frequency_penalty, defaults.frequency_penalty, "frequency_penalty", -2, 2);
  for (const auto& [id, bias] : asked.logit_bias) {
    check_id(id, limits, "logit_bias");
    if (std::isnan(bias)) refuse("logit_bias: expected numbers", "logit_bias");
    s.logit_bias.emplace_back(id, std::clamp(bias, -100.0f, 100.0f));
  }
  s.bad_words = bad_words(asked.bad_words, tokenizer);
  if (asked.allowed_token_ids) {
    if (asked.allowed_token_ids->empty())
      refuse("allowed_token_ids: expected one or more", "allowed_token_ids");
    for (const int32_t id : *asked.allowed_token_ids) check_id(id, limits, "allowed_token_ids");
    s.allowed_token_ids = asked.allowed_token_ids;
  }
  if (asked.seed) {
    s.seed = *asked.seed;
  } else if (!s.greedy()) {
    s.seed = base::random_bits();
  }
  return s;
}

// What allowed_token_ids, bad_words and min_tokens leave to begin with; later ones depend on what
// is written.
void check_first_token(const Settings& settings) {
  const Sampling& sampling = settings.sampling;
  if (!sampling.allowed_token_ids) return;
  std::unordered_set<int32_t> bad;
  for (const std::vector<int32_t>& word : sampling.bad_words) {
    if (word.size() == 1) bad.insert(word.front());
  }
  std::vector<int32_t> left = *sampling.allowed_token_ids;
  std::erase_if(left, [&](int32_t id) { return bad.contains(id); });
  if (left.empty()) refuse("allowed_token_ids: bad_words forbid all of them", "allowed_token_ids");
  if (settings.asked->min_tokens == 0) return;
  if (std::ranges::all_of(left, [&](int32_t id) { return settings.ends(id); })) {
    refuse("min_tokens: expected 0 where allowed_token_ids leaves ends of the text alone",
           "min_tokens");
  }
}

}  // namespace

bool Settings::ends(int32_t id) const {
  return id == eos || std::ranges::count(stop_token_ids, id) > 0;
}

std::vector<int32_t> Settings::ends() const {
  std::vector<int32_t> all = stop_token_ids;
  if (eos) all.push_back(*eos);
  return all;
}

Settings decide(const Generate& asked, const Defaults& defaults, const Tokenizer& tokenizer,
                const Limits& limits, int64_t prompt_tokens) {
  Settings settings{.asked = std::make_shared<const Generate>(asked)};
  settings.sampling = sampling_of(asked, defaults, tokenizer, limits);
  if (asked.n < 1 || asked.n > 16384) refuse("n: expected 1 to 16384", "n");
  if (asked.n > 1 && settings.sampling.greedy())
    refuse("n must be 1 when temperature is 0: all completions would be the same", "n");
  if (asked.max_tokens && *asked.max_tokens < 1)
    refuse("max_tokens: expected 1 or more", "max_tokens");
  const int64_t room = limits.max_model_len - prompt_tokens;
  settings.max_tokens = std::min(room, asked.max_tokens.value_or(room));
  if (!asked.max_tokens && defaults.max_new_tokens)
    settings.max_tokens = std::min(settings.max_tokens, *defaults.max_new_tokens);
  if (asked.min_tokens < 0 || (asked.max_tokens && asked.min_tokens > *asked.max_tokens))
    refuse("min_tokens: expected 0 to max_tokens", "min_tokens");
  for (const int32_t id : asked.stop_token_ids) check_id(id, limits, "stop_token_ids");
  settings.stop_token_ids = asked.stop_token_ids;
  if (!asked.ignore_eos && !defaults.eos_token_ids.empty()) {
    settings.eos = defaults.eos_token_ids.front();
    settings.stop_token_ids.insert(settings.stop_token_ids.end(),
                                   defaults.eos_token_ids.begin() + 1,
                                   defaults.eos_token_ids.end());
  }
  check_first_token(settings);
  for (const std::string& text : asked.stop) {
    if (text.empty()) refuse("stop: a text is empty", "stop");
  }
  settings.skip_special_tokens = asked.skip_special_tokens.value_or(defaults.skip_special_tokens);
  if (!asked.spaces_between_special_tokens && !settings.skip_special_tokens) {
    throw Error(ErrorCode::kUnsupported,
                "spaces_between_special_tokens: special tokens are written as the tokenizer has "
                "them; expected true",
                "spaces_between_special_tokens");
  }
  check_logprobs(asked.logprobs, limits, "logprobs");
  check_logprobs(asked.prompt_logprobs, limits, "prompt_logprobs");
  return settings;
}

}  // namespace vecton::generation
