#include "generation/prompt_lookup.h"

#include <algorithm>
#include <string>

#include "base/json.h"
#include "vecton/error.h"

namespace vecton::generation {

namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "speculative_config: " + what, "speculative_config");
}

json::object read_object(std::string_view text) {
  try {
    json::value value = base::parse_json(text, "speculative_config");
    if (value.is_object()) return std::move(value.as_object());
  } catch (const Error& e) {
    throw Error(ErrorCode::kInvalidArgument, e.what(), "speculative_config");
  }
  refuse("expected a JSON object");
}

// 0 = it is not there.
int64_t read_count(const json::object& config, const char* key) {
  constexpr int64_t kMost = 1024;
  const json::value* value = config.if_contains(key);
  if (!value || value->is_null()) return 0;
  if (!value->is_int64() || value->as_int64() < 1 || value->as_int64() > kMost)
    refuse(std::string(key) + ": expected a whole number from 1 to " + std::to_string(kMost));
  return value->as_int64();
}

// Tokens before `end` that are those before the end of `ids`, at most `most`.
int64_t same_before(std::span<const int32_t> ids, int64_t end, int64_t most) {
  int64_t same = 0;
  const auto size = static_cast<int64_t>(ids.size());
  while (same < std::min(most, end) &&
         ids[static_cast<size_t>(end - 1 - same)] == ids[static_cast<size_t>(size - 1 - same)])
    ++same;
  return same;
}

}  // namespace

std::optional<PromptLookup> read_speculative_config(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const json::object config = read_object(text);
  for (const auto& [key, value] : config) {
    const bool known = key == "method" || key == "num_speculative_tokens" ||
                       key == "prompt_lookup_max" || key == "prompt_lookup_min";
    if (!known && !value.is_null()) {
      refuse(std::string(key) +
             " is not supported; method, num_speculative_tokens, prompt_lookup_max and "
             "prompt_lookup_min are");
    }
  }
  const json::value* method = config.if_contains("method");
  if (!method || !method->is_string() || method->as_string() != "ngram")
    refuse("method: \"ngram\" (drafts from the prompt) is the one that is supported");
  PromptLookup lookup{.num_speculative_tokens = read_count(config, "num_speculative_tokens"),
                      .prompt_lookup_min = read_count(config, "prompt_lookup_min"),
                      .prompt_lookup_max = read_count(config, "prompt_lookup_max")};
  if (lookup.num_speculative_tokens == 0)
    refuse("num_speculative_tokens: say how many tokens a draft may have");
  // As vLLM: what is not said is what the other one says, or 5.
  constexpr int64_t kUnsaid = 5;
  if (lookup.prompt_lookup_max == 0)
    lookup.prompt_lookup_max = lookup.prompt_lookup_min > 0 ? lookup.prompt_lookup_min : kUnsaid;
  if (lookup.prompt_lookup_min == 0) lookup.prompt_lookup_min = lookup.prompt_lookup_max;
  if (lookup.prompt_lookup_min > lookup.prompt_lookup_max)
    refuse("prompt_lookup_min is more than prompt_lookup_max");
  return lookup;
}

Drafter::Drafter(const PromptLookup& lookup)
    : lookup_(lookup), length_(lookup.num_speculative_tokens) {}

std::vector<int32_t> Drafter::draft(std::span<const int32_t> ids, int64_t most) const {
  const int64_t count = std::min(most, length_);
  if (count < 1) return {};
  const auto size = static_cast<int64_t>(ids.size());
  int64_t best = lookup_.prompt_lookup_min - 1, from = -1;
  for (int64_t end = size - 1; end > best && best < lookup_.prompt_lookup_max; --end) {
    const int64_t same = same_before(ids, end, lookup_.prompt_lookup_max);
    if (same > best) {
      best = same;
      from = end;
    }
  }
  std::vector<int32_t> draft;
  if (from < 0) return draft;
  // Past the end of what is there the draft follows itself: what repeats goes on repeating.
  for (int64_t at = from; std::ssize(draft) < count; ++at)
    draft.push_back(at < size ? ids[static_cast<size_t>(at)]
                              : draft[static_cast<size_t>(at - size)]);
  return draft;
}

void Drafter::note(int64_t drafted, int64_t accepted) {
  if (drafted == 0) return;
  length_ = accepted == drafted ? lookup_.num_speculative_tokens : accepted + 1;
}

}  // namespace vecton::generation
